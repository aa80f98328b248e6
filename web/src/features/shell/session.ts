// Signing in and out, and everything that starts and stops with it.
import type { QueryClient } from "@tanstack/react-query";
import { setCsrf } from "@/api/http";
import type { Me } from "@/api/types";
import { setTheme } from "@/actions/screen";
import { readMe, readSetup, signOut } from "@/api/workspace";
import { goLive } from "@/sync/live";
import { loadCollections, loadCounts } from "@/sync/load";
import { openOutbox } from "@/sync/sending";
import { store } from "@/sync/store";

let stop: (() => void) | null = null;

export async function enter(me: Me, queries: QueryClient): Promise<void> {
  setCsrf(me.csrf);
  store.setMe(me);
  const wanted = me.user.preferences?.theme;
  if (wanted) setTheme(wanted);
  await openOutbox(me.user.id);
  await loadCollections();
  void loadCounts().catch(() => undefined);
  stop?.();
  stop = goLive(queries);
}

export type Arrival = "in" | "sign-in" | "setup";

/** Who is here? Asked once, when the app starts. */
export async function arrive(queries: QueryClient): Promise<Arrival> {
  const me = await readMe().catch(() => null);
  if (me) {
    await enter(me, queries);
    return "in";
  }
  const { needed } = await readSetup();
  return needed ? "setup" : "sign-in";
}

/** Ends the session here and starts from an empty page: nothing of the old one may stay in memory. */
export async function leave(end: () => Promise<void> = signOut): Promise<void> {
  stop?.();
  await end().catch(() => undefined);
  location.assign("/sign-in");
}
