// The live data of this tab: rows by id, ordered lists of ids, and who wants to hear about which.
// Components subscribe to single rows; everything that changed within one frame is announced once.
import { useCallback, useSyncExternalStore } from "react";
import type { Filter } from "@/api/conversations";
import type { Conversation, Counts, Id, Me, Message, Page } from "@/api/types";
import { merge, type Outcome, type Put } from "./reduce";
import { byActivity, byTime, listKey, matches, place, recount } from "./rules";
import { emptyState, type List, type State, type Table, type Tables, type Thread } from "./state";

type Listener = () => void;

export class Store {
  readonly state: State = emptyState();
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly dirty = new Set<string>();
  private readonly arrays = new Map<Table, unknown[]>();
  private scheduled = false;

  // --- reading ---------------------------------------------------------------------------------------------------

  row<T extends Table>(table: T, id: Id | null | undefined): Tables[T] | undefined {
    return id === null || id === undefined ? undefined : this.state.rows[table].get(id);
  }

  all<T extends Table>(table: T): readonly Tables[T][] {
    let array = this.arrays.get(table) as Tables[T][] | undefined;
    if (!array) this.arrays.set(table, (array = [...this.state.rows[table].values()]));
    return array;
  }

  list(filter: Filter): List | undefined {
    return this.state.lists.get(listKey(filter));
  }

  subscribe(topic: string, listener: Listener): () => void {
    let set = this.listeners.get(topic);
    if (!set) this.listeners.set(topic, (set = new Set()));
    set.add(listener);
    return () => set.delete(listener);
  }

  // --- writing ---------------------------------------------------------------------------------------------------

  setMe(me: Me | null): void {
    this.state.me = me;
    this.touch("me");
  }

  setCounts(counts: Counts): void {
    this.state.counts = counts;
    this.touch("counts");
  }

  put<T extends Table>(table: T, row: Tables[T]): void {
    if (table === "conversations") this.putConversation(row as Conversation);
    else if (table === "messages") this.putMessage(row as Message);
    else this.state.rows[table].set(row.id, row);
    this.changed(table, row.id);
  }

  /** A row as the server sent it: an answer that an event has overtaken is dropped. */
  receive<T extends "conversations" | "messages" | "contacts">(table: T, row: Tables[T]): void {
    const known = this.state.rows[table].get(row.id);
    if (!known || row.rev >= known.rev) this.put(table, row);
  }

  fill<T extends Table>(table: T, rows: readonly Tables[T][]): void {
    const keep = new Set(rows.map((row) => row.id));
    for (const id of [...this.state.rows[table].keys()]) if (!keep.has(id)) this.remove(table, id);
    for (const row of rows) this.put(table, row);
  }

  remove(table: Table, id: Id): void {
    if (table === "conversations") this.forget(id);
    this.state.rows[table].delete(id);
    this.changed(table, id);
  }

  /** Takes a conversation out of every list, and its thread with it. */
  private forget(id: Id): void {
    this.state.threads.delete(id);
    for (const [key, list] of this.state.lists) {
      if (!list.ids.includes(id)) continue;
      this.state.lists.set(key, { ...list, ids: list.ids.filter((known) => known !== id) });
      this.touch(`list:${key}`);
    }
  }

  apply(outcome: Outcome): void {
    for (const put of outcome.puts) this.put(put.table, (put as Put).row as Tables[Put["table"]]);
    for (const gone of outcome.removes) this.remove(gone.table, gone.id);
  }

  /** A page of a list as it was fetched. The first page replaces what was known, except rows further down. */
  putPage(filter: Filter, page: Page<Conversation>, first: boolean): void {
    for (const row of page.items) this.receive("conversations", row);
    const key = listKey(filter);
    const known = this.state.lists.get(key);
    const fresh = page.items.map((row) => row.id);
    const bottom = this.row("conversations", fresh.at(-1));
    const seen = new Set(fresh);
    const rest = (known?.ids ?? []).filter((id) => !seen.has(id));
    const tail = first ? rest.filter((id) => page.next !== null && bottom !== undefined && this.below(id, bottom)) : [];
    const ids = first ? [...fresh, ...tail] : [...rest, ...fresh];
    const next = first && tail.length > 0 ? (known?.next ?? null) : page.next;
    const found = new Map(known?.found);
    for (const row of page.items) if (row.found) found.set(row.id, row.found);
    this.state.lists.set(key, { filter, ids: filter.q ? ids : this.sorted(ids), next, loaded: true, found });
    this.touch(`list:${key}`);
  }

  putThread(conversation: Id, page: Page<Message>, first: boolean): void {
    for (const row of page.items) this.receive("messages", row);
    const known = first ? undefined : this.state.threads.get(conversation);
    const ids = new Set([...page.items.map((row) => row.id), ...(known?.ids ?? [])]);
    const order = [...ids].sort((a, b) => {
      const [left, right] = [this.row("messages", a), this.row("messages", b)];
      return left && right ? byTime(left, right) : a - b;
    });
    this.state.threads.set(conversation, { ids: order, next: page.next });
    this.touch(`thread:${conversation}`);
  }

  forgetThreads(except: Id | null): void {
    for (const id of [...this.state.threads.keys()]) {
      if (id === except) continue;
      this.state.threads.delete(id);
      this.touch(`thread:${id}`);
    }
  }

  // --- inside ----------------------------------------------------------------------------------------------------

  private putConversation(row: Conversation): void {
    const rows = this.state.rows.conversations;
    const before = rows.get(row.id);
    const after = merge(before, row);
    rows.set(row.id, after);
    const me = this.state.me?.user.id ?? 0;
    if (this.state.counts && before) {
      const counts = recount(this.state.counts, before, after, me);
      if (counts !== this.state.counts) this.setCounts(counts);
    }
    for (const [key, list] of this.state.lists) this.follow(key, list, after, me);
  }

  private follow(key: string, list: List, row: Conversation, me: Id): void {
    if (!list.loaded || list.filter.q) return;
    let ids = list.ids;
    if (!matches(row, list.filter, me)) {
      if (!ids.includes(row.id)) return;
      ids = ids.filter((id) => id !== row.id);
    } else {
      const bottom = this.row("conversations", ids.at(-1));
      const beyond = list.next !== null && bottom !== undefined && bottom.id !== row.id && byActivity(row, bottom) > 0;
      if (beyond && !ids.includes(row.id)) return;
      ids = place(ids, row.id, (other) => {
        const there = this.row("conversations", other);
        return there !== undefined && byActivity(row, there) < 0;
      });
    }
    if (ids === list.ids) return;
    this.state.lists.set(key, { ...list, ids });
    this.touch(`list:${key}`);
  }

  private putMessage(row: Message): void {
    const rows = this.state.rows.messages;
    const before = rows.get(row.id);
    rows.set(row.id, row);
    if (before && before.conversation_id !== row.conversation_id) this.unthread(before.conversation_id, row.id);
    const thread = this.state.threads.get(row.conversation_id);
    if (!thread) return;
    const first = this.row("messages", thread.ids[0]);
    if (thread.next !== null && first && byTime(row, first) < 0) return;
    const ids = place(thread.ids, row.id, (other) => {
      const there = rows.get(other);
      return there !== undefined && byTime(row, there) < 0;
    });
    if (ids !== thread.ids) this.setThread(row.conversation_id, { ...thread, ids });
    this.touch(`messages-of:${row.conversation_id}`);
  }

  private unthread(conversation: Id, message: Id): void {
    const thread = this.state.threads.get(conversation);
    if (thread) this.setThread(conversation, { ...thread, ids: thread.ids.filter((id) => id !== message) });
  }

  private setThread(conversation: Id, thread: Thread): void {
    this.state.threads.set(conversation, thread);
    this.touch(`thread:${conversation}`);
  }

  private below(id: Id, bottom: Conversation): boolean {
    const row = this.row("conversations", id);
    return row !== undefined && byActivity(row, bottom) > 0;
  }

  private sorted(ids: readonly Id[]): Id[] {
    const rows = ids.map((id) => this.row("conversations", id)).filter((row) => row !== undefined);
    return rows.sort(byActivity).map((row) => row.id);
  }

  private changed(table: Table, id: Id): void {
    this.arrays.delete(table);
    this.touch(`${table}:${id}`);
    this.touch(table);
  }

  touch(topic: string): void {
    this.dirty.add(topic);
    if (this.scheduled) return;
    this.scheduled = true;
    // A hidden tab paints no frames, but its title and badge still follow.
    if (typeof document !== "undefined" && document.visibilityState === "visible")
      requestAnimationFrame(() => this.flush());
    else setTimeout(() => this.flush(), 50);
  }

  flush(): void {
    this.scheduled = false;
    const topics = [...this.dirty];
    this.dirty.clear();
    const calls = new Set<Listener>();
    for (const topic of topics) for (const listener of this.listeners.get(topic) ?? []) calls.add(listener);
    for (const call of calls) call();
  }
}

export const store = new Store();

function useTopic<T>(topic: string, read: () => T): T {
  const subscribe = useCallback((listener: Listener) => store.subscribe(topic, listener), [topic]);
  return useSyncExternalStore(subscribe, read);
}

export function useRow<T extends Table>(table: T, id: Id | null | undefined): Tables[T] | undefined {
  return useTopic(`${table}:${id ?? 0}`, () => store.row(table, id));
}
export function useRows<T extends Table>(table: T): readonly Tables[T][] {
  return useTopic(table, () => store.all(table));
}
export const useCounts = (): Counts | null => useTopic("counts", () => store.state.counts);
export const useMaybeMe = (): Me | null => useTopic("me", () => store.state.me);
export function useMe(): Me {
  const me = useMaybeMe();
  if (!me) throw new Error("Nobody is signed in");
  return me;
}
/** May this person do that? Names as the server gives them: "labels:write". */
export const useMay = (permission: string): boolean => useMe().permissions.includes(permission);
export function useListState(filter: Filter): List | undefined {
  const key = listKey(filter);
  return useTopic(`list:${key}`, () => store.state.lists.get(key));
}
export const useThreadState = (conversation: Id): Thread | undefined =>
  useTopic(`thread:${conversation}`, () => store.state.threads.get(conversation));
