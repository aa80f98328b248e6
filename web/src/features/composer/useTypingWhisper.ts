import { useCallback, useEffect, useRef } from "react";
import { sayTyping } from "@/api/conversations";
import type { Audience, Id } from "@/api/types";

/** Say it again after this long, because it is forgotten a little later. */
const REPEAT_MS = 4_000;

/** Tells the team, and in replies the contact, that this person is writing. */
export function useTypingWhisper(conversation: Id, audience: Audience): { typed: () => void; stopped: () => void } {
  const said = useRef(0);
  const typed = useCallback(() => {
    if (Date.now() - said.current < REPEAT_MS) return;
    said.current = Date.now();
    sayTyping(conversation, true, audience).catch(() => undefined);
  }, [conversation, audience]);
  const stopped = useCallback(() => {
    if (said.current === 0) return;
    said.current = 0;
    sayTyping(conversation, false, audience).catch(() => undefined);
  }, [conversation, audience]);
  useEffect(() => stopped, [stopped]);
  return { typed, stopped };
}
