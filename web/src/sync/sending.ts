// The outbox of the signed-in person, and what components see of it.
import { useMemo, useSyncExternalStore } from "react";
import { addComment, sendMessage } from "@/api/messages";
import type { CommentIn, Id, MessageIn } from "@/api/types";
import { databaseKeep, memoryKeep } from "./keep";
import { Outbox, type Entry, type Ways } from "./outbox";
import { store } from "./store";

const ways: Ways = {
  send: (entry) =>
    entry.kind === "comment"
      ? addComment(entry.conversation_id, entry.body as CommentIn, entry.key)
      : sendMessage(entry.conversation_id, entry.body as MessageIn, entry.key),
  sent: (_entry, message) => store.receive("messages", message),
  exclusively: (work) => navigator.locks.request("frontdesk-outbox", work) as ReturnType<typeof work>,
};

let outbox = new Outbox(memoryKeep(), ways);
const wake = () => void outbox.drain();

export async function openOutbox(user: Id): Promise<void> {
  try {
    outbox = new Outbox(databaseKeep(user), ways);
    await outbox.open();
  } catch {
    outbox = new Outbox(memoryKeep(), ways);
  }
  addEventListener("online", wake);
}

export const enqueue = (entry: Omit<Entry, "refused" | "at">): Promise<void> =>
  outbox.add({ ...entry, refused: null, at: new Date().toISOString() });
export const retryEntry = (key: string): Promise<void> => outbox.retry(key);
export const discardEntry = (key: string): Promise<void> => outbox.discard(key);
export const waitingEntries = (): number => outbox.snapshot().length;

/** Entries of one conversation that the server has not confirmed, oldest first. */
export function useOutbox(conversation: Id): readonly Entry[] {
  const all = useSyncExternalStore(outbox.subscribe, outbox.snapshot);
  return useMemo(() => all.filter((entry) => entry.conversation_id === conversation), [all, conversation]);
}
