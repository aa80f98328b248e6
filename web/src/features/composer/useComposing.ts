import { useCallback, useMemo, useRef, useState } from "react";
import { done } from "@/actions/conversations";
import { richText } from "@/actions/screen";
import type { Conversation, DraftMode } from "@/api/types";
import { t } from "@/i18n";
import { mediumTime } from "@/lib/time";
import { enqueue } from "@/sync/sending";
import { useRows } from "@/sync/store";
import { useChannel } from "@/ui/Channel";
import { toast } from "@/ui/toasts";
import { answerTo, commentOf, messageOf } from "./bodies";
import { useDraft, type Draft } from "./drafts";
import { useRoutes } from "./routes";
import { useTypingWhisper } from "./useTypingWhisper";
import { useUploads } from "./useUploads";

export interface How {
  due?: Date;
  done?: boolean;
}

/** One message or comment in the making: what is written, which way it would go, and what stands against sending it. */
export function useComposing(conversation: Conversation) {
  const id = conversation.id;
  const users = useRows("users");
  const [mode, setMode] = useState<DraftMode>("reply");
  const isComment = mode === "comment";
  const reply = useDraft(id, "reply");
  const comment = useDraft(id, "comment");
  const [draft, change, clear] = isComment ? comment : reply;
  const { routes, route, choose, loaded } = useRoutes(id);
  const channel = useChannel(route?.channel);
  const can = isComment ? undefined : channel?.can;
  const files = useRef<Draft["files"]>(draft.files);
  files.current = draft.files;
  const { uploads, add, drop, busy } = useUploads(can, (file) => change({ files: [...files.current, file] }));
  const whisper = useTypingWhisper(id, isComment ? "team" : "contact");
  // A new number is a new, empty editor.
  const [round, setRound] = useState(0);

  const formats = can?.html === true;
  const rich = richText.use() && formats;
  const subject = useMemo(() => answerTo(conversation.subject), [conversation.subject]);
  const refusal = isComment ? null : (route?.why_not?.sentence ?? (loaded && !route ? t("route.none") : null));
  const length = [...draft.text].length;
  const tooLong = can?.max_chars != null && length > can.max_chars;
  const blank = draft.text.trim() === "" && draft.files.length === 0;
  const blocked = blank || busy || refusal !== null || tooLong || (!isComment && !route);

  const send = useCallback(
    (how: How) => {
      if (blocked) return false;
      void enqueue({
        key: crypto.randomUUID(),
        conversation_id: id,
        kind: isComment ? "comment" : "message",
        body: isComment ? commentOf(draft, users) : messageOf(draft, { route, can, rich, subject, due: how.due }),
        files: draft.files,
        channel: isComment ? null : (route?.channel ?? null),
      });
      clear();
      setRound((now) => now + 1);
      whisper.stopped();
      if (how.due) toast({ text: t("toast.scheduled", { time: mediumTime(how.due) }) });
      if (how.done) done([id]);
      return true;
    },
    [blocked, draft, users, isComment, rich, route, can, subject, id, clear, whisper],
  );

  const write = useCallback(
    (text: string, html: string | null = null) => {
      change({ text, html });
      if (text) whisper.typed();
    },
    [change, whisper],
  );

  return {
    mode,
    setMode,
    isComment,
    drafted: { reply: reply[0].text !== "", comment: comment[0].text !== "" },
    draft,
    change,
    write,
    round,
    length,
    tooLong,
    blocked,
    refusal,
    subject,
    formats,
    rich,
    routes,
    route,
    choose,
    can,
    uploads,
    add,
    drop,
    send,
    stopped: whisper.stopped,
  };
}

export type Composing = ReturnType<typeof useComposing>;
