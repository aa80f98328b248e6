import { Outlet, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect } from "react";
import { listenToKeys } from "@/actions/listen";
import { overlay } from "@/actions/screen";
import { t } from "@/i18n";
import { capped } from "@/lib/text";
import { useCounts } from "@/sync/store";
import { ConfirmHost } from "@/ui/Confirm";
import { ToastHost } from "@/ui/toasts";
import { AlertBar } from "./AlertBar";
import { NetworkBar } from "./NetworkBar";
import { PickerHost } from "./PickerHost";
import { BottomBar, Rail } from "./Rail";

const palette = () => import("./Palette");
const Palette = lazy(palette);
const Help = lazy(() => import("./Help"));
const NewConversation = lazy(() => import("@/features/conversations/NewConversation"));

/** The first screen is drawn by then. */
const AFTER_START_MS = 1_500;

function Overlays() {
  const open = overlay.use();
  return (
    <Suspense>
      {open === "palette" && <Palette />}
      {open === "help" && <Help />}
      {open === "new" && <NewConversation />}
    </Suspense>
  );
}

/** The number of unread conversations stands in the tab of the browser. */
function useTitle(): void {
  const unread = useCounts()?.unread ?? 0;
  useEffect(() => {
    document.title = unread > 0 ? `(${capped(unread)}) ${t("app")}` : t("app");
  }, [unread]);
}

export function Frame() {
  useTitle();
  useEffect(listenToKeys, []);
  // Who presses Ctrl-K types on at once: it has to be there by then.
  useEffect(() => {
    const timer = setTimeout(() => void palette().catch(() => undefined), AFTER_START_MS);
    return () => clearTimeout(timer);
  }, []);
  // On a phone the thread has the whole screen: its composer stands where the bar would be.
  const inThread = useRouterState({
    select: (state) => "c" in state.location.search && state.location.search.c !== undefined,
  });
  return (
    <div className="flex h-full flex-col">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:z-60 focus:m-2 focus:rounded-lg focus:bg-panel focus:px-4 focus:py-2 focus:shadow-pop"
      >
        {t("skip")}
      </a>
      <NetworkBar />
      <AlertBar />
      <div className="relative flex min-h-0 flex-1">
        <Rail />
        <Outlet />
      </div>
      {!inThread && <BottomBar />}
      <Overlays />
      <PickerHost />
      <ConfirmHost />
      <ToastHost />
    </div>
  );
}
