import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { keptUnread, markRead } from "@/actions/conversations";
import { sentence } from "@/api/http";
import type { Id, Message } from "@/api/types";
import { loadConversation, loadThread, watchThread } from "@/sync/load";
import { unreadOf } from "@/sync/rules";
import { useOutbox } from "@/sync/sending";
import { store, useRow, useThreadState } from "@/sync/store";
import { buildItems, firstUnread, waitingOf, type Item } from "./items";

export interface ThreadView {
  loaded: boolean;
  error: string | null;
  retry: () => void;
  items: readonly Item[];
  waiting: readonly Message[];
  hasOlder: boolean;
}

/** Counts how often a topic was announced, so that derived data can be recomputed exactly then. */
function useVersion(topic: string): number {
  const count = useRef(0);
  const subscribe = useCallback(
    (listener: () => void) =>
      store.subscribe(topic, () => {
        count.current += 1;
        listener();
      }),
    [topic],
  );
  return useSyncExternalStore(subscribe, () => count.current);
}

export function useThread(id: Id): ThreadView {
  const thread = useThreadState(id);
  const version = useVersion(`messages-of:${id}`);
  const entries = useOutbox(id);
  const [error, setError] = useState<string | null>(null);
  /** How much was unread when this was opened, and up to where. */
  const [opened, setOpened] = useState<{ unread: number; last: Id } | null>(null);

  const load = useCallback(() => {
    setError(null);
    Promise.all([loadConversation(id), loadThread(id)]).catch((problem: unknown) => setError(sentence(problem)));
  }, [id]);
  useEffect(() => {
    watchThread(id);
    load();
    return () => watchThread(null);
  }, [id, load]);

  const messages = useMemo(
    () => (thread?.ids ?? []).map((message) => store.row("messages", message)).filter((row) => row !== undefined),
    [thread, version], // eslint-disable-line react-hooks/exhaustive-deps -- the version stands for the rows
  );
  useEffect(() => {
    const row = store.row("conversations", id);
    if (opened || !thread || !row) return;
    setOpened({ unread: unreadOf(row), last: messages.at(-1)?.id ?? 0 });
  }, [opened, thread, messages, id]);

  const hasOlder = thread?.next != null;
  const items = useMemo(() => {
    const then = opened ? messages.filter((message) => message.id <= opened.last) : [];
    return buildItems(messages, entries, firstUnread(then, opened?.unread ?? 0, hasOlder));
  }, [messages, entries, opened, hasOlder]);
  const waiting = useMemo(() => waitingOf(messages), [messages]);
  return { loaded: thread !== undefined, error, retry: load, items, waiting, hasOlder };
}

/** Skimming with j-j-j must not mark everything read. */
const GLANCE_MS = 400;

/** Marks the open conversation read after a glance, while the tab is visible. */
export function useReading(id: Id, loaded: boolean): void {
  const row = useRow("conversations", id);
  const unread = row ? unreadOf(row) : 0;
  useEffect(() => {
    keptUnread.delete(id);
  }, [id]);
  useEffect(() => {
    if (!loaded || unread === 0 || keptUnread.has(id)) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(timer);
      if (document.visibilityState === "visible") timer = setTimeout(() => void markRead([id]), GLANCE_MS);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [id, loaded, unread]);
}
