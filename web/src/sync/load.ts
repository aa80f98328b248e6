// Fetches pages into the store. Each page is only fetched once at a time, however many components ask.
import { countConversations, listConversations, readConversation, type Filter } from "@/api/conversations";
import { readContact } from "@/api/contacts";
import { listMessages } from "@/api/messages";
import type { Id } from "@/api/types";
import { listColoured, listInboxes, listTeams, listUsers } from "@/api/workspace";
import { listKey } from "./rules";
import { store } from "./store";

const running = new Map<string, Promise<void>>();

function once(key: string, work: () => Promise<void>): Promise<void> {
  const known = running.get(key);
  if (known) return known;
  const promise = work().finally(() => running.delete(key));
  running.set(key, promise);
  return promise;
}

export async function loadCollections(): Promise<void> {
  const [labels, tags, users, teams, inboxes] = await Promise.all([
    listColoured("labels"),
    listColoured("tags"),
    listUsers(),
    listTeams(),
    listInboxes(),
  ]);
  store.fill("labels", labels);
  store.fill("tags", tags);
  store.fill("users", users);
  store.fill("teams", teams);
  store.fill("inboxes", inboxes);
}

export const loadCounts = (): Promise<void> => once("counts", async () => store.setCounts(await countConversations()));

export const loadList = (filter: Filter): Promise<void> =>
  once(`list:${listKey(filter)}`, async () => store.putPage(filter, await listConversations(filter), true));

export function loadMoreOfList(filter: Filter): Promise<void> {
  const next = store.list(filter)?.next;
  if (!next) return Promise.resolve();
  return once(`more:${listKey(filter)}`, async () =>
    store.putPage(filter, await listConversations(filter, next), false),
  );
}

export const loadConversation = (id: Id): Promise<void> =>
  once(`conversation:${id}`, async () => store.receive("conversations", await readConversation(id)));

export const loadThread = (id: Id): Promise<void> =>
  once(`thread:${id}`, async () => store.putThread(id, await listMessages(id), true));

export function loadOlder(id: Id, many?: number): Promise<void> {
  const next = store.state.threads.get(id)?.next;
  if (!next) return Promise.resolve();
  return once(`older:${id}`, async () => store.putThread(id, await listMessages(id, next, many), false));
}

/** Pages of this size, and so many of them at most, lead back to a message that was looked for. */
const BACK = { many: 200, pages: 50 };

/** Loads a thread back to this message. */
export async function loadBackTo(id: Id, message: Id): Promise<void> {
  for (let page = 0; page < BACK.pages; page++) {
    const thread = store.state.threads.get(id);
    if (!thread?.next || thread.ids.includes(message)) return;
    await loadOlder(id, BACK.many);
  }
}

export const loadContact = (id: Id): Promise<void> =>
  once(`contact:${id}`, async () => store.receive("contacts", await readContact(id)));

/** Lists nobody looks at are dropped, those on screen are read again. */
let watched = new Map<string, Filter>();
let openThread: Id | null = null;
export const watchList = (filter: Filter | null): void => {
  watched = filter ? new Map([[listKey(filter), filter]]) : new Map();
};
export const watchThread = (id: Id | null): void => {
  openThread = id;
};

export async function reloadLists(): Promise<void> {
  for (const key of [...store.state.lists.keys()]) if (!watched.has(key)) store.state.lists.delete(key);
  await Promise.all([...watched.values()].map(loadList));
}

export async function reloadThreads(): Promise<void> {
  store.forgetThreads(openThread);
  if (openThread === null) return;
  const id = openThread;
  await Promise.all([loadConversation(id), loadThread(id)]);
  const contact = store.row("conversations", id)?.contact.id;
  if (contact !== undefined) await loadContact(contact);
}
