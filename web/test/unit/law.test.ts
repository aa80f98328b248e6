// The law of live data: the state before, plus the events, is the state fetched afresh.
import { beforeEach, describe, expect, it } from "vitest";
import type { Filter } from "@/api/conversations";
import type { LiveEvent, Me, Message } from "@/api/types";
import { reduce } from "@/sync/reduce";
import { byTime } from "@/sync/rules";
import { Store } from "@/sync/store";
import { World } from "../fake/world";

const NOW = Date.parse("2026-11-18T12:00:00Z");
const FILTERS: Filter[] = [
  { view: "all" },
  { view: "unread" },
  { view: "mine" },
  { view: "unassigned" },
  { view: "starred" },
  { view: "closed" },
  { view: "all", label_id: 1 },
];
const THREAD = 3;

let world: World;
beforeEach(() => {
  world = new World({ now: NOW, count: 40, long: 12 });
});

/** What a freshly opened tab would hold. */
function fetched(): Store {
  const store = new Store();
  store.setMe({ user: world.users[0], workspace: world.workspace } as unknown as Me);
  store.fill("labels", world.labels);
  for (const filter of FILTERS) store.putPage(filter, { items: structuredClone(world.list(filter)), next: null }, true);
  store.putThread(THREAD, { items: structuredClone(world.thread(THREAD)), next: null }, true);
  store.setCounts(world.counts());
  return store;
}

/** Conversations that no list shows may linger as rows; what can be seen must be equal. */
function seen(store: Store) {
  return {
    lists: Object.fromEntries([...store.state.lists].map(([key, list]) => [key, list.ids])),
    rows: [...new Set([...store.state.lists.values()].flatMap((list) => list.ids))]
      .sort()
      .map((id) => store.row("conversations", id)),
    thread: store.state.threads.get(THREAD)?.ids.map((id) => store.row("messages", id)),
    counts: store.state.counts,
  };
}

function play(store: Store, events: readonly LiveEvent[]): void {
  for (const event of events) {
    const outcome = reduce(store.state, event);
    store.apply(outcome);
    for (const id of outcome.needs) {
      const row = world.conversations.get(id);
      if (row) store.receive("conversations", structuredClone(row));
    }
    if (outcome.needs.length > 0) store.setCounts(world.counts());
  }
}

type Act = () => void;
const acts: Record<string, Act> = {
  "a message comes in": () => world.receive(THREAD, "Is anybody there?"),
  "a closed conversation opens again": () => world.receive(13, "One more thing"),
  "somebody closes it": () =>
    world.emit("ConversationChanged", { conversation_id: 5, conversation: world.change(5, { status: "closed" }) }),
  "somebody assigns it": () =>
    world.emit("ConversationChanged", { conversation_id: 1, conversation: world.change(1, { assignee_id: 1 }) }),
  "a label is added": () =>
    world.emit("ConversationChanged", { conversation_id: 3, conversation: world.change(3, { labels: [1, 3] }) }),
  "I read it": () => world.my(2, { read_count: world.conversations.get(2)?.inbound_count ?? 0 }),
  "I star it": () => world.my(9, { starred: true }),
  "a reply goes out and is delivered": () => {
    const sent = world.add(
      {
        ...(world.thread(THREAD)[0] as Message),
        id: world.id(),
        direction: "out",
        text: "Yes",
        at: world.now(),
        delivery: { state: "queued", due_at: null, code: null, reason: null, at: null },
      },
      "MessageQueued",
    );
    world.deliver(sent.id, "sent");
    world.deliver(sent.id, "delivered");
  },
  "it fails": () => {
    const sent = world.add(
      {
        ...(world.thread(THREAD)[0] as Message),
        id: world.id(),
        direction: "out",
        text: "No",
        at: world.now(),
        delivery: { state: "queued", due_at: null, code: null, reason: null, at: null },
      },
      "MessageQueued",
    );
    world.deliver(sent.id, "failed", "The number does not exist.");
  },
  "a new conversation begins": () => {
    const id = world.id();
    world.conversations.set(id, {
      ...structuredClone(world.conversations.get(4)!),
      id,
      last: null,
      inbound_count: 0,
      assignee_id: null,
      labels: [],
      rev: 1,
      my: undefined,
      created_at: world.now(),
    });
    world.emit("ConversationOpened", { conversation_id: id, conversation: world.conversations.get(id) });
    world.receive(id, "Hello");
  },
};

describe("state before + events == state fetched afresh", () => {
  it.each(Object.keys(acts))("%s", (name) => {
    const store = fetched();
    acts[name]?.();
    play(
      store,
      world.log.map((item) => item.data),
    );
    expect(seen(store)).toEqual(seen(fetched()));
  });

  it("all of it, one after another", () => {
    const store = fetched();
    for (const act of Object.values(acts)) act();
    play(
      store,
      world.log.map((item) => item.data),
    );
    expect(seen(store)).toEqual(seen(fetched()));
  });

  it("when every event comes twice", () => {
    const store = fetched();
    for (const act of Object.values(acts)) act();
    play(
      store,
      world.log.flatMap((item) => [item.data, item.data]),
    );
    expect(seen(store)).toEqual(seen(fetched()));
  });

  it("when old snapshots come after new ones", () => {
    const store = fetched();
    acts["a message comes in"]?.();
    acts["somebody closes it"]?.();
    const events = world.log.map((item) => item.data);
    play(store, [...events, ...events.toReversed()]);
    expect(seen(store)).toEqual(seen(fetched()));
  });
});

describe("what is only partly loaded", () => {
  it("takes in nothing that lies beyond its end, and keeps its order", () => {
    const store = new Store();
    store.setMe({ user: world.users[0], workspace: world.workspace } as unknown as Me);
    const filter: Filter = { view: "all" };
    const all = world.list(filter);
    store.putPage(filter, { items: structuredClone(all.slice(0, 10)), next: "more" }, true);
    const below = all[20];
    if (!below) throw new Error("the world is too small");
    store.put("conversations", structuredClone(below));
    expect(store.list(filter)?.ids).toEqual(all.slice(0, 10).map((row) => row.id));
    store.putPage(filter, { items: structuredClone(all.slice(10, 20)), next: "more" }, false);
    expect(store.list(filter)?.ids).toEqual(all.slice(0, 20).map((row) => row.id));
  });

  it("puts older pages of a thread above", () => {
    const store = new Store();
    const all = world.thread(THREAD);
    store.putThread(THREAD, { items: all.slice(-2), next: "older" }, true);
    store.putThread(THREAD, { items: all.slice(0, -2), next: null }, false);
    expect(store.state.threads.get(THREAD)).toEqual({ ids: all.sort(byTime).map((row) => row.id), next: null });
  });

  it("asks the server about conversations it has never seen", () => {
    const store = new Store();
    const message = world.receive(7, "Hello?");
    expect(reduce(store.state, world.log.at(-1)!.data)).toMatchObject({ needs: [message.conversation_id] });
  });
});

it("reloads when contacts or conversations were merged", () => {
  const store = fetched();
  const event = { seq: 1, at: world.now(), facts: {} };
  expect(reduce(store.state, { ...event, kind: "ContactsMerged" }).reload).toBe(true);
  expect(reduce(store.state, { ...event, kind: "ConversationChanged", facts: { changed: ["messages"] } }).reload).toBe(
    true,
  );
  expect(reduce(store.state, { ...event, kind: "ConversationChanged", facts: { changed: ["labels"] } }).reload).toBe(
    false,
  );
});

it("forgets a deleted label", () => {
  const store = fetched();
  store.apply(reduce(store.state, { seq: 1, at: world.now(), kind: "LabelDeleted", facts: { label_id: 2 } }));
  expect(store.all("labels").map((label) => label.id)).toEqual([1, 3]);
});
