import type { Entry, Keep } from "./outbox";

const NAME = "frontdesk";
const TABLE = "outbox";

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
  });
}

/** The outbox in IndexedDB, one database per person: a shared machine never sends under another name. */
export function databaseKeep(user: number): Keep {
  let opened: Promise<IDBDatabase> | undefined;
  const open = () => {
    opened ??= (() => {
      const request = indexedDB.open(`${NAME}-${user}`, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: "key" });
      return done(request);
    })();
    return opened;
  };
  const table = async (mode: IDBTransactionMode) => (await open()).transaction(TABLE, mode).objectStore(TABLE);
  return {
    all: async () => (await done((await table("readonly")).getAll())) as Entry[],
    put: async (entry) => void (await done((await table("readwrite")).put(entry))),
    remove: async (key) => void (await done((await table("readwrite")).delete(key))),
  };
}

/** Without IndexedDB (private windows of some browsers) the outbox lives as long as the tab. */
export function memoryKeep(): Keep {
  const entries = new Map<string, Entry>();
  return {
    all: async () => [...entries.values()],
    put: async (entry) => void entries.set(entry.key, entry),
    remove: async (key) => void entries.delete(key),
  };
}
