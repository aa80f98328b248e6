// What leaves the screen: conversations that no longer concern me, contacts that were deleted.
import { beforeEach, expect, it } from "vitest";
import type { LiveEvent, Me } from "@/api/types";
import { reduce } from "@/sync/reduce";
import { Store } from "@/sync/store";
import { World } from "../fake/world";

let store: Store;
let world: World;
beforeEach(() => {
  world = new World({ now: Date.parse("2026-11-18T12:00:00Z"), count: 10, long: 3 });
  store = new Store();
  store.setMe({ user: world.users[0], workspace: world.workspace } as unknown as Me);
  store.putPage({ view: "all" }, { items: structuredClone(world.list({ view: "all" })), next: null }, true);
});

const listed = () => [...store.state.lists.values()].flatMap((list) => list.ids);
const event = (fields: Partial<LiveEvent>) => ({ seq: 1, at: "2026-11-18T12:00:00Z", ...fields }) as LiveEvent;

it("forgets a conversation that was hidden from me", () => {
  const id = listed()[0]!;
  const outcome = reduce(store.state, event({ kind: "ConversationHidden", conversation_id: id }));
  store.apply(outcome);
  expect(listed()).not.toContain(id);
  expect(store.row("conversations", id)).toBeUndefined();
  expect(outcome.stale).toContain("counts");
});

it("forgets a deleted contact and what was said with them", () => {
  const id = listed()[0]!;
  const contact = store.row("conversations", id)!.contact.id;
  store.apply(reduce(store.state, event({ kind: "ContactChanged", contact_id: contact, facts: { deleted: true } })));
  expect(listed()).not.toContain(id);
});
