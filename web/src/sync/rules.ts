// Pure decisions about lists: who belongs where, and in which order. They repeat on the client what the server's
// queries do, so that a list follows live events without asking again.
import type { Filter } from "@/api/conversations";
import type { Conversation, Counts, Id, Message, View } from "@/api/types";

export const unreadOf = (c: Conversation): number => Math.max(0, c.inbound_count - (c.my?.read_count ?? 0));

export const activityOf = (c: Conversation): string => c.last?.at ?? c.created_at;

/** Negative when `a` stands above `b`. */
export function byActivity(a: Conversation, b: Conversation): number {
  const [left, right] = [activityOf(a), activityOf(b)];
  if (left !== right) return left < right ? 1 : -1;
  return b.id - a.id;
}

export function byTime(a: Message, b: Message): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.id - b.id;
}

export function inView(c: Conversation, view: View, me: Id, ignoreRead = false): boolean {
  switch (view) {
    case "all":
      return c.status !== "closed";
    case "snoozed":
      return c.status === "snoozed";
    case "closed":
      return c.status === "closed";
    case "unread":
      return c.status === "open" && (ignoreRead || unreadOf(c) > 0);
    case "mine":
      return c.status === "open" && c.assignee_id === me;
    case "unassigned":
      return c.status === "open" && c.assignee_id === null;
    case "starred":
      return c.status === "open" && (c.my?.starred ?? false);
  }
}

/** Does the conversation belong into the list? A search text cannot be judged here: such lists are not live. */
export function matches(c: Conversation, filter: Filter, me: Id, ignoreRead = false): boolean {
  return (
    inView(c, filter.view, me, ignoreRead) &&
    (filter.channel === undefined || c.channels.includes(filter.channel)) &&
    (filter.inbox_id === undefined || c.inbox_ids.includes(filter.inbox_id)) &&
    (filter.assignee_id === undefined || c.assignee_id === filter.assignee_id) &&
    (filter.label_id === undefined || c.labels.includes(filter.label_id)) &&
    (filter.contact_id === undefined || c.contact.id === filter.contact_id)
  );
}

export const COUNTED = ["unread", "mine", "unassigned", "starred", "all"] as const;
const CAP = 100;

/** Counts after a conversation changed. A count at its cap stays there: the server does not say how far above it is. */
export function recount(
  counts: Counts,
  before: Conversation | undefined,
  after: Conversation | undefined,
  me: Id,
): Counts {
  const next = { ...counts };
  let changed = false;
  for (const view of COUNTED) {
    if (next[view] >= CAP) continue;
    const delta = Number(!!after && inView(after, view, me)) - Number(!!before && inView(before, view, me));
    if (delta !== 0) {
      next[view] = Math.max(0, next[view] + delta);
      changed = true;
    }
  }
  return changed ? next : counts;
}

/** A message that waits for its time, or for a person: shown below the thread. */
export function isWaiting(m: Message): boolean {
  const delivery = m.delivery;
  if (!delivery) return false;
  return delivery.state === "held" || (delivery.state === "queued" && delivery.due_at !== null);
}

export const listKey = (filter: Filter): string =>
  JSON.stringify(
    Object.entries(filter)
      .filter(([, value]) => value !== undefined && value !== "")
      .sort(),
  );

/** Puts `id` at its place in ids sorted by `order`, and only there. Returns the same array when nothing changes. */
export function place(ids: readonly Id[], id: Id, before: (other: Id) => boolean): readonly Id[] {
  const rest = ids.filter((other) => other !== id);
  let low = 0;
  let high = rest.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(rest[middle] as Id)) high = middle;
    else low = middle + 1;
  }
  if (ids[low] === id && rest.length === ids.length - 1) return ids;
  return [...rest.slice(0, low), id, ...rest.slice(low)];
}
