import { useSyncExternalStore } from "react";

/** One shared value that components can follow. For the state of the screen, never for data of the server. */
export interface Value<T> {
  get(): T;
  set(next: T | ((now: T) => T)): void;
  use(): T;
}

export function value<T>(initial: T): Value<T> {
  let now = initial;
  const listeners = new Set<() => void>();
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const get = () => now;
  return {
    get,
    set(next) {
      const after = typeof next === "function" ? (next as (now: T) => T)(now) : next;
      if (Object.is(after, now)) return;
      now = after;
      listeners.forEach((listener) => listener());
    },
    use: () => useSyncExternalStore(subscribe, get),
  };
}

/** The same, remembered by this browser. Anything unreadable falls back to the initial value. */
export function remembered<T>(key: string, initial: T): Value<T> {
  const name = `frontdesk.${key}`;
  let first = initial;
  try {
    const text = localStorage.getItem(name);
    if (text !== null) first = JSON.parse(text) as T;
  } catch {
    // Storage is blocked or holds something foreign: start fresh.
  }
  const inner = value(first);
  return {
    ...inner,
    set(next) {
      inner.set(next);
      try {
        localStorage.setItem(name, JSON.stringify(inner.get()));
      } catch {
        // A full or blocked storage only costs the memory of a preference.
      }
    },
  };
}
