import { useCallback, useEffect, useMemo, useState } from "react";
import type { Id, Message } from "@/api/types";
import { patternOf, plain } from "@/lib/find";
import { loadOlder } from "@/sync/load";
import { store } from "@/sync/store";
import type { Item } from "./items";

/** What a reader sees of a message at once: its history below an answer is folded away. */
const written = (message: Message): string => `${message.subject ?? ""}\n${message.reply ?? message.text}`;

export interface Finding {
  text: string;
  setText: (text: string) => void;
  pattern: RegExp | null;
  /** Messages with the text among those that are loaded, oldest first. */
  found: readonly Id[];
  /** The one that is shown. */
  here: Id | null;
  /** Older messages are being fetched, since none of the loaded ones has it. */
  seeking: boolean;
  older: () => void;
  newer: () => void;
}

const TYPING_MS = 250;

/** Finds a text in a conversation, the newest place first, and fetches what is older while it looks. */
export function useFinding(conversation: Id, items: readonly Item[], hasOlder: boolean): Finding {
  const [text, setText] = useState("");
  const [here, setHere] = useState<Id | null>(null);
  const [seeking, setSeeking] = useState(false);
  const [pages, setPages] = useState(0);
  const pattern = useMemo(() => patternOf(text), [text]);
  const found = useMemo(() => {
    if (!pattern) return [];
    const messages = items.flatMap((item) => (item.kind === "message" ? (store.row("messages", item.id) ?? []) : []));
    return messages.filter((message) => plain(written(message)).search(pattern) >= 0).map((message) => message.id);
  }, [items, pattern]);

  useEffect(() => {
    setHere(null);
    setSeeking(false);
    if (!pattern) return;
    const timer = setTimeout(() => setSeeking(true), TYPING_MS);
    return () => clearTimeout(timer);
  }, [pattern]);

  useEffect(() => {
    if (!seeking) return;
    const next = here === null ? found.at(-1) : found[found.indexOf(here) - 1];
    if (next !== undefined) setHere(next);
    if (next !== undefined || !hasOlder) return setSeeking(false);
    let gone = false;
    loadOlder(conversation).then(
      () => !gone && setPages((now) => now + 1),
      () => !gone && setSeeking(false),
    );
    return () => {
      gone = true;
    };
  }, [seeking, here, found, hasOlder, conversation, pages]);

  const older = useCallback(() => setSeeking(true), []);
  const newer = () => here !== null && setHere(found[found.indexOf(here) + 1] ?? here);
  return { text, setText, pattern, found, here, seeking, older, newer };
}
