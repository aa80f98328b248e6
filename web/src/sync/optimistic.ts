// Shows a change at once, tells the server, and takes it back when the server refuses.
import { sentence } from "@/api/http";
import type { Conversation, Id, Mine } from "@/api/types";
import { toast } from "@/ui/toasts";
import { store } from "./store";

type Part = Partial<Omit<Conversation, "my">> & { my?: Partial<Mine> };

function patched(row: Conversation, part: Part): Conversation {
  const { my, ...rest } = part;
  const mine: Mine = { read_count: 0, starred: false, draft: null, ...row.my, ...my };
  return { ...row, ...rest, my: mine };
}

/** Patches the row now; `request` may answer the server's copy. Resolves false after a refusal, which is shown as a toast. */
export async function optimistically(
  id: Id,
  part: Part,
  request: () => Promise<Conversation | void>,
): Promise<boolean> {
  const before = store.row("conversations", id);
  if (before) store.put("conversations", patched(before, part));
  try {
    const answer = await request();
    if (answer) store.receive("conversations", answer);
    return true;
  } catch (error) {
    const now = store.row("conversations", id);
    // An event may have brought a newer row meanwhile: then that is the truth, not what stood here before.
    if (before && now && now.rev === before.rev) store.put("conversations", before);
    toast({ text: sentence(error), tone: "bad" });
    return false;
  }
}
