// The thread as it is drawn: messages with what stands between them.
import type { Id, Message } from "@/api/types";
import { sameDay } from "@/lib/time";
import type { Entry } from "@/sync/outbox";
import { isWaiting } from "@/sync/rules";

export type Item =
  | { kind: "day"; key: string; at: string }
  | { kind: "new"; key: string }
  | { kind: "message"; key: string; id: Id; first: boolean; last: boolean }
  | { kind: "entry"; key: string; entry: Entry };

/** Messages of one author stand together when no more than this lies between them. */
const TOGETHER_MS = 5 * 60_000;

const isPlain = (m: Message): boolean => m.direction !== "activity" && m.audience === "contact";

function together(a: Message | undefined, b: Message | undefined): boolean {
  if (!a || !b || !isPlain(a) || !isPlain(b)) return false;
  return (
    a.direction === b.direction &&
    a.author.kind === b.author.kind &&
    a.author.id === b.author.id &&
    a.channel === b.channel &&
    !a.email &&
    !b.email &&
    sameDay(a.at, b.at) &&
    Date.parse(b.at) - Date.parse(a.at) < TOGETHER_MS
  );
}

/** `messages` oldest first; `entries` are what the server has not confirmed; `newFrom` is the first unread message. */
export function buildItems(messages: readonly Message[], entries: readonly Entry[], newFrom: Id | null): Item[] {
  const shown = messages.filter((message) => !isWaiting(message) && message.delivery?.state !== "cancelled");
  const items: Item[] = [];
  shown.forEach((message, index) => {
    const [before, after] = [shown[index - 1], shown[index + 1]];
    if (!before || !sameDay(before.at, message.at))
      items.push({ kind: "day", key: `day:${message.at.slice(0, 10)}:${message.id}`, at: message.at });
    if (message.id === newFrom) items.push({ kind: "new", key: "new" });
    items.push({
      kind: "message",
      key: `m:${message.client_key ?? message.id}`,
      id: message.id,
      first: !together(before, message) || message.id === newFrom,
      last: !together(message, after),
    });
  });
  const known = new Set(messages.map((message) => message.client_key));
  for (const entry of entries) {
    if (!known.has(entry.key)) items.push({ kind: "entry", key: `m:${entry.key}`, entry });
  }
  return items;
}

export const waitingOf = (messages: readonly Message[]): Message[] =>
  messages.filter(isWaiting).sort((a, b) => (a.delivery?.due_at ?? a.at).localeCompare(b.delivery?.due_at ?? b.at));

/** The first of the last `unread` inbound messages; null while it may be among those that are not loaded yet. */
export function firstUnread(messages: readonly Message[], unread: number, hasOlder: boolean): Id | null {
  const inbound = messages.filter((message) => message.direction === "in");
  if (unread === 0 || (hasOlder && inbound.length < unread)) return null;
  return inbound.at(-unread)?.id ?? inbound[0]?.id ?? null;
}
