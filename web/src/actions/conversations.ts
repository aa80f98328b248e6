// What can be done to conversations. Every verb shows its effect at once and offers the way back.
import * as api from "@/api/conversations";
import { serverNow } from "@/api/http";
import type { Conversation, Id, Status, Time } from "@/api/types";
import { t } from "@/i18n";
import { mediumTime } from "@/lib/time";
import { optimistically } from "@/sync/optimistic";
import { unreadOf } from "@/sync/rules";
import { store } from "@/sync/store";
import { toast } from "@/ui/toasts";
import { openConversation } from "./go";
import { listIds, openId, selection } from "./screen";

const AT_ONCE = 6;

/** Runs over many ids, a few requests at a time. */
async function each(ids: readonly Id[], verb: (id: Id) => Promise<unknown>): Promise<void> {
  const left = [...ids];
  const worker = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) await verb(id);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, ids.length) }, worker));
}

const rowsOf = (ids: readonly Id[]): Conversation[] =>
  ids.map((id) => store.row("conversations", id)).filter((row) => row !== undefined);

function change(ids: readonly Id[], changes: api.Changes, text: string): void {
  const before = rowsOf(ids);
  void each(ids, (id) => optimistically(id, changes, () => api.changeConversation(id, changes)));
  const back = () =>
    each(
      before.map((row) => row.id),
      (id) => {
        const row = before.find((one) => one.id === id) as Conversation;
        const old = Object.fromEntries(
          Object.keys(changes).map((name) => [name, row[name as keyof api.Changes]]),
        ) as api.Changes;
        return optimistically(id, old, () => api.changeConversation(id, old));
      },
    );
  toast({ text, undo: () => void back() });
}

/** The conversation to look at after these have left the list. */
function moveOn(ids: readonly Id[]): void {
  const open = openId.get();
  if (open === null || !ids.includes(open)) return;
  const order = listIds.get();
  const at = order.indexOf(open);
  const rest = [...order.slice(at + 1), ...order.slice(0, Math.max(0, at)).reverse()];
  const next = rest.find((id) => !ids.includes(id)) ?? null;
  openConversation(matchMedia("(max-width: 639px)").matches ? null : next, { replace: true });
}

const clearTicks = () => selection.set(new Set());

function setStatus(ids: readonly Id[], status: Status, text: string, until: Time | null = null): void {
  change(ids, { status, snoozed_until: until }, text);
  clearTicks();
  if (status !== "open") moveOn(ids);
}

export const done = (ids: readonly Id[]): void => setStatus(ids, "closed", t("toast.done", { count: ids.length }));
export const reopen = (ids: readonly Id[]): void => setStatus(ids, "open", t("toast.reopened", { count: ids.length }));
export const snooze = (ids: readonly Id[], until: Date): void =>
  setStatus(ids, "snoozed", t("toast.snoozed", { time: mediumTime(until) }), until.toISOString());

/** Done, or open again if all of them are closed already. */
export function toggleDone(ids: readonly Id[]): void {
  if (ids.length === 0) return;
  if (rowsOf(ids).every((row) => row.status === "closed")) reopen(ids);
  else done(ids);
}

export function assign(ids: readonly Id[], user: Id | null): void {
  const name = store.row("users", user)?.name ?? "";
  const text = user === null ? t("toast.unassigned") : t("toast.assigned", { name });
  change(ids, { assignee_id: user }, text);
  clearTicks();
}

export function assignTeam(ids: readonly Id[], team: Id | null): void {
  const name = store.row("teams", team)?.name ?? "";
  change(ids, { team_id: team }, team === null ? t("toast.team_removed") : t("toast.assigned", { name }));
  clearTicks();
}

export const setLabel = (ids: readonly Id[], label: Id, on: boolean): Promise<void> =>
  each(ids, (id) => {
    const row = store.row("conversations", id);
    const rest = (row?.labels ?? []).filter((known) => known !== label);
    return optimistically(id, { labels: on ? [...rest, label] : rest }, () => api.putLabel(id, label, on));
  });

export const setStar = (ids: readonly Id[], on: boolean): Promise<void> =>
  each(ids, (id) => optimistically(id, { my: { starred: on } }, () => api.star(id, on)));

export function toggleStar(ids: readonly Id[]): void {
  if (ids.length > 0) void setStar(ids, !rowsOf(ids).every((row) => row.my?.starred));
}

export const markRead = (ids: readonly Id[]): Promise<void> =>
  each(ids, (id) => {
    const row = store.row("conversations", id);
    if (!row || unreadOf(row) === 0) return Promise.resolve();
    return optimistically(id, { my: { read_count: row.inbound_count } }, () => api.markRead(id, row.inbound_count));
  });

/** Ids that this person has just marked unread: looking at them does not mark them read again. */
export const keptUnread = new Set<Id>();

export const markUnread = (ids: readonly Id[]): Promise<void> =>
  each(ids, (id) => {
    const row = store.row("conversations", id);
    if (!row) return Promise.resolve();
    keptUnread.add(id);
    return optimistically(id, { my: { read_count: Math.max(0, row.inbound_count - 1) } }, () => api.markUnread(id));
  });

export function tick(id: Id): void {
  selection.set((now) => {
    const next = new Set(now);
    if (!next.delete(id)) next.add(id);
    return next;
  });
}

/** Ticks everything between the last ticked row and this one. */
export function tickRange(id: Id): void {
  const order = listIds.get();
  const last = [...selection.get()].at(-1) ?? openId.get() ?? id;
  const [from, to] = [order.indexOf(last), order.indexOf(id)].sort((a, b) => a - b) as [number, number];
  selection.set((now) => new Set([...now, ...order.slice(Math.max(0, from), to + 1)]));
}

export function step(by: 1 | -1, only: (row: Conversation) => boolean = () => true): void {
  const order = listIds.get();
  const open = openId.get();
  const at = open === null ? (by > 0 ? -1 : order.length) : order.indexOf(open);
  for (let index = at + by; index >= 0 && index < order.length; index += by) {
    const row = store.row("conversations", order[index]);
    if (row && only(row)) return openConversation(row.id, { replace: open !== null });
  }
}

export const waitingFor = (row: Conversation): number | null =>
  row.waiting_since === null || row.status !== "open" ? null : Math.max(0, serverNow() - Date.parse(row.waiting_since));
