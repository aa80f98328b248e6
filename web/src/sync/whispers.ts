// Typing and viewing: shown for a moment, stored nowhere.
import { useSyncExternalStore } from "react";
import type { Id, Whisper } from "@/api/types";

/** Nobody types longer than this without the sender repeating it. */
const LASTS_MS = 8_000;

export interface Presence {
  /** The contact is typing. */
  contact: boolean;
  /** Teammates who are writing a reply. */
  typing: readonly Id[];
  viewing: readonly Id[];
}

const QUIET: Presence = { contact: false, typing: [], viewing: [] };
const until = new Map<string, ReturnType<typeof setTimeout>>();
const now = new Map<Id, Presence>();
const listeners = new Set<() => void>();

const without = (ids: readonly Id[], id: Id) => ids.filter((other) => other !== id);

function set(whisper: Whisper, on: boolean): void {
  const before = now.get(whisper.conversation_id) ?? QUIET;
  let after = before;
  if (whisper.contact) after = { ...before, contact: on };
  else if (whisper.user_id !== null) {
    const list = whisper.kind === "typing" ? "typing" : "viewing";
    const rest = without(before[list], whisper.user_id);
    after = { ...before, [list]: on ? [...rest, whisper.user_id] : rest };
  }
  now.set(whisper.conversation_id, after);
  listeners.forEach((listener) => listener());
}

export function hear(whisper: Whisper): void {
  if (whisper.kind === "seen") return;
  const key = `${whisper.kind}:${whisper.conversation_id}:${whisper.contact ? "contact" : whisper.user_id}`;
  clearTimeout(until.get(key));
  set(whisper, whisper.on);
  if (whisper.on)
    until.set(
      key,
      setTimeout(() => set(whisper, false), LASTS_MS),
    );
}

/** A message from somebody ends their typing. */
export function settle(conversation: Id): void {
  if (now.get(conversation)?.contact)
    hear({ kind: "typing", conversation_id: conversation, user_id: null, contact: true, on: false });
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const usePresence = (conversation: Id): Presence =>
  useSyncExternalStore(subscribe, () => now.get(conversation) ?? QUIET);
