import { useSyncExternalStore } from "react";
import { serverNow } from "@/api/http";

// One timer for every relative time and countdown on the screen.
const STEP_MS = 15_000;
let now = serverNow();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

const tick = () => {
  now = serverNow();
  listeners.forEach((listener) => listener());
};

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  timer ??= setInterval(tick, STEP_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
};

/** Milliseconds since the epoch by the server's clock; renders again every 15 seconds. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);
