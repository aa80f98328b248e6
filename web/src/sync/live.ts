// Ties stream, reducer and store together for a signed-in person.
import type { QueryClient } from "@tanstack/react-query";
import { countConversations, readConversation } from "@/api/conversations";
import { readMe } from "@/api/workspace";
import type { Id, LiveEvent, Whisper } from "@/api/types";
import { share } from "./leader";
import { loadCollections, reloadLists, reloadThreads } from "./load";
import { reduce, type Stale } from "./reduce";
import { store } from "./store";
import type { Connection, Frame } from "./stream";
import { hear } from "./whispers";

let connection: Connection = "connecting";
export const connectionNow = (): Connection => connection;

const COUNTS_AFTER_MS = 1_500;
const MANY = 20;

export function goLive(queries: QueryClient): () => void {
  const abort = new AbortController();
  let last = store.state.me?.cursor ?? 0;
  let counting: ReturnType<typeof setTimeout> | undefined;
  const wanted = new Set<Id>();

  const countSoon = () => {
    counting ??= setTimeout(() => {
      counting = undefined;
      countConversations().then(
        (counts) => store.setCounts(counts),
        () => undefined,
      );
    }, COUNTS_AFTER_MS);
  };

  const resync = async () => {
    await Promise.allSettled([loadCollections(), reloadLists(), reloadThreads()]);
    await queries.invalidateQueries();
    countSoon();
  };

  const fetchWanted = async () => {
    const ids = [...wanted];
    wanted.clear();
    if (ids.length > MANY) return reloadLists();
    const rows = await Promise.allSettled(ids.map(readConversation));
    for (const row of rows) if (row.status === "fulfilled") store.receive("conversations", row.value);
  };

  const forget = (stale: Stale[]) => {
    for (const name of stale) {
      if (name === "counts") continue;
      if (name === "me")
        readMe().then(
          (me) => store.setMe(me),
          () => undefined,
        );
      else void queries.invalidateQueries({ queryKey: [name] });
    }
  };

  const onEvent = (event: LiveEvent) => {
    const outcome = reduce(store.state, event);
    store.apply(outcome);
    if (outcome.needs.length > 0) {
      if (wanted.size === 0) setTimeout(() => void fetchWanted(), 30);
      outcome.needs.forEach((id) => wanted.add(id));
    }
    forget(outcome.stale);
    if (outcome.reload) void resync();
    if (event.conversation || event.kind === "ReadStateChanged") countSoon();
  };

  const onFrame = (frame: Frame) => {
    if (frame.event === "resync") {
      if (frame.id !== null) last = frame.id;
      else
        readMe().then(
          (me) => (last = Math.max(last, me.cursor)),
          () => undefined,
        );
      return void resync();
    }
    if (frame.event === "whisper") return hear(JSON.parse(frame.data) as Whisper);
    const event = JSON.parse(frame.data) as LiveEvent;
    const seq = frame.id ?? event.seq;
    if (seq <= last) return;
    last = seq;
    onEvent(event);
  };

  const onState = (state: Connection) => {
    connection = state;
    store.touch("connection");
  };

  share({ after: () => last, onFrame, onState, signal: abort.signal });
  return () => {
    abort.abort();
    clearTimeout(counting);
  };
}
