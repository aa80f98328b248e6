import { useEffect, useRef, useState } from "react";
import type { Id } from "@/api/types";
import { t } from "@/i18n";
import { store, useThreadState } from "@/sync/store";
import { settle } from "@/sync/whispers";
import { whoOf } from "./MessageItem";

/**
 * Says new messages of the open thread. A region of its own: rows of a virtual list come and go while scrolling,
 * and would be read again each time.
 */
export function Announcer({ conversation }: { conversation: Id }) {
  const thread = useThreadState(conversation);
  const last = thread?.ids.at(-1);
  const before = useRef<Id | undefined>(undefined);
  const [text, setText] = useState("");
  useEffect(() => {
    const known = before.current;
    before.current = last;
    const message = store.row("messages", last);
    if (known === undefined || known === last || message?.direction !== "in") return;
    settle(conversation);
    setText(t("thread.announce", { name: whoOf(message), text: message.reply ?? message.text }));
  }, [last, conversation]);
  return (
    <div className="sr-only" aria-live="polite">
      {text}
    </div>
  );
}
