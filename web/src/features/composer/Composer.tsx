import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Popover } from "radix-ui";
import { done } from "@/actions/conversations";
import { keysOf } from "@/actions/registry";
import { composerCall, richText } from "@/actions/screen";
import type { CommentIn, Conversation, DraftMode, MessageIn } from "@/api/types";
import { t } from "@/i18n";
import { classes, toHtml } from "@/lib/text";
import { mediumTime } from "@/lib/time";
import { enqueue } from "@/sync/sending";
import { useMe, useRow, useRows } from "@/sync/store";
import { usePresence } from "@/sync/whispers";
import { Button, IconButton } from "@/ui/Button";
import { useChannel } from "@/ui/Channel";
import { Lock, Paperclip, Send, Smile, Type } from "@/ui/icons";
import { toast } from "@/ui/toasts";
import { addresses, useDraft, type Draft } from "./drafts";
import { EmailFields } from "./EmailFields";
import { ModeTabs } from "./ModeTabs";
import { RouteSwitcher } from "./RouteSwitcher";
import { useRoutes } from "./routes";
import { Segments } from "./Segments";
import { SendButton } from "./SendButton";
import { TextBox } from "./TextBox";
import { Tray } from "./Tray";
import { useTypingWhisper } from "./useTypingWhisper";
import { useUploads } from "./useUploads";

const EmojiGrid = lazy(() => import("./EmojiGrid"));
const RichBox = lazy(() => import("./RichBox"));

const answerTo = (subject: string | null): string =>
  subject === null ? "" : /^re:/i.test(subject) ? subject : `Re: ${subject}`;

export function Composer({ conversation, dropped }: { conversation: Conversation; dropped: readonly File[] }) {
  const id = conversation.id;
  const me = useMe();
  const users = useRows("users");
  const contact = useRow("contacts", conversation.contact.id);
  const presence = usePresence(id);
  const [mode, setMode] = useState<DraftMode>("reply");
  const reply = useDraft(id, "reply");
  const comment = useDraft(id, "comment");
  const [draft, change, clear] = mode === "reply" ? reply : comment;
  const { routes, route, choose, loaded } = useRoutes(id);
  const channel = useChannel(route?.channel);
  const can = mode === "reply" ? channel?.can : undefined;
  const box = useRef<HTMLTextAreaElement>(null);
  const whole = useRef<HTMLElement>(null);
  // A new number is a new, empty editor.
  const [round, setRound] = useState(0);
  const insertRich = useRef<((text: string) => void) | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  const files = useRef<Draft["files"]>(draft.files);
  files.current = draft.files;
  const { uploads, add, drop, busy } = useUploads(can, (file) => change({ files: [...files.current, file] }));
  const whisper = useTypingWhisper(id, mode === "reply" ? "contact" : "team");

  const focus = () => whole.current?.querySelector<HTMLElement>("[data-composer]")?.focus();
  const call = composerCall.use();
  const heard = useRef(call.count);
  useEffect(() => {
    if (call.count === heard.current) return;
    heard.current = call.count;
    setMode(call.mode);
    focus();
  }, [call]);
  useEffect(() => {
    if (dropped.length > 0) add(dropped);
  }, [dropped, add]);

  const isComment = mode === "comment";
  const formats = !isComment && can?.html === true;
  const rich = richText.use() && formats;
  const refusal = isComment ? null : (route?.why_not?.sentence ?? (loaded && !route ? t("route.none") : null));
  const length = [...draft.text].length;
  const tooLong = can?.max_chars != null && length > can.max_chars;
  const blank = draft.text.trim() === "" && draft.files.length === 0;
  const blocked = blank || busy || refusal !== null || tooLong || (!isComment && !route);
  const subject = useMemo(() => answerTo(conversation.subject), [conversation.subject]);

  const send = useCallback(
    (how: { due?: Date; done?: boolean }) => {
      if (blocked) return;
      const key = crypto.randomUUID();
      const fileIds = draft.files.map((file) => file.id);
      const attached = fileIds.length > 0 && { files: fileIds };
      const mentions = users.filter((user) => draft.text.includes(`@${user.name}`)).map((user) => user.id);
      const body: MessageIn | CommentIn = isComment
        ? { text: draft.text, ...(mentions.length > 0 && { mentions }), ...attached }
        : {
            text: draft.text,
            ...(rich && draft.html !== null && { html: draft.html }),
            ...(route && { inbox_id: route.inbox_id, point_id: route.point.id }),
            ...(can?.subject && { subject: draft.subject ?? subject }),
            ...(can?.copies && draft.cc && { cc: addresses(draft.cc) }),
            ...(can?.copies && draft.bcc && { bcc: addresses(draft.bcc) }),
            ...(how.due && { due_at: how.due.toISOString() }),
            ...attached,
          };
      void enqueue({
        key,
        conversation_id: id,
        kind: isComment ? "comment" : "message",
        body,
        files: draft.files,
        channel: isComment ? null : (route?.channel ?? null),
      });
      clear();
      setRound((now) => now + 1);
      whisper.stopped();
      if (how.due) toast({ text: t("toast.scheduled", { time: mediumTime(how.due) }) });
      if (how.done) done([id]);
      focus();
    },
    [blocked, draft, users, isComment, rich, route, can, subject, id, clear, whisper],
  );

  const enterSends = me.user.preferences?.enter_sends === true;
  /** Answers true when the key meant the composer rather than the text. */
  const onKey = (event: KeyboardEvent): boolean => {
    if (event.isComposing) return false;
    const mod = event.ctrlKey || event.metaKey;
    const place = /^Digit([1-9])$/.exec(event.code)?.[1];
    const wanted = event.altKey && place && !isComment ? routes[Number(place) - 1] : undefined;
    if (wanted) choose(wanted);
    else if (event.key === "Enter" && (mod || (enterSends && !rich && !event.shiftKey))) {
      send({ done: mod && event.shiftKey && !isComment });
    } else if (event.key === "Escape") (event.target as HTMLElement).blur();
    else return false;
    event.preventDefault();
    return true;
  };

  const insert = (text: string) => {
    if (insertRich.current) return insertRich.current(text);
    const at = box.current?.selectionStart ?? draft.text.length;
    change({ text: draft.text.slice(0, at) + text + draft.text.slice(at) });
    box.current?.focus();
  };

  const writing = users.filter((user) => user.id !== me.user.id && presence.typing.includes(user.id));
  return (
    <section
      ref={whole}
      aria-label={t("composer")}
      className={classes(
        "mx-2 mb-2 shrink-0 rounded-2xl border transition-colors focus-within:border-line-strong sm:mx-4 sm:mb-4",
        isComment ? "border-noteline bg-note text-noteink" : "border-line bg-panel shadow-card",
      )}
    >
      <div className="flex min-h-10 flex-wrap items-center gap-2 px-2 pt-1.5">
        <ModeTabs
          mode={mode}
          onChange={setMode}
          drafted={{ reply: reply[0].text !== "", comment: comment[0].text !== "" }}
        />
        {isComment ? (
          <span className="flex items-center gap-1.5 text-xs">
            <Lock size={12} aria-hidden />
            {t("comment.only_team")}
          </span>
        ) : (
          <RouteSwitcher routes={routes} route={route} onChoose={choose} />
        )}
      </div>
      {writing.length > 0 && (
        <p role="status" className="mx-3 mt-1 rounded-lg bg-warn-soft px-2.5 py-1 text-xs text-warn">
          {t("typing.teammate", { name: writing.map((user) => user.name).join(", ") })}
        </p>
      )}
      {refusal && (
        <p role="alert" className="mx-3 mt-1.5 rounded-lg bg-bad-soft px-2.5 py-1.5 text-xs text-bad">
          {refusal}
        </p>
      )}
      {can?.subject && route && (
        <EmailFields key={route.inbox_id} can={can} route={route} draft={draft} subject={subject} onChange={change} />
      )}
      {rich ? (
        <Suspense fallback={<div className="h-24" />}>
          <RichBox
            key={round}
            html={draft.html ?? toHtml(draft.text)}
            label={t("reply.write")}
            insert={insertRich}
            onChange={(html, text) => {
              change({ html, text });
              if (text) whisper.typed();
            }}
            onKeyDown={onKey}
            onFiles={add}
          />
        </Suspense>
      ) : (
        <TextBox
          box={box}
          label={t(isComment ? "comment.write" : "reply.write")}
          placeholder={t(isComment ? "comment.placeholder" : "reply.placeholder", { name: conversation.contact.name })}
          value={draft.text}
          mentions={isComment}
          note={isComment}
          onChange={(text) => {
            change({ text, html: null });
            if (text) whisper.typed();
          }}
          onKeyDown={(event) => void onKey(event.nativeEvent)}
          onFiles={add}
          onBlur={whisper.stopped}
        />
      )}
      <Tray
        files={draft.files}
        uploads={uploads}
        onRemoveUpload={drop}
        onRemoveFile={(gone) => change({ files: draft.files.filter((file) => file.id !== gone) })}
      />
      <div className="flex items-center gap-0.5 px-2 pb-2">
        <Popover.Root>
          <Popover.Trigger asChild>
            <IconButton label={t("emoji")} icon={Smile} inherit={isComment} />
          </Popover.Trigger>
          <Popover.Portal>
            <Popover.Content
              side="top"
              align="start"
              sideOffset={6}
              collisionPadding={8}
              aria-label={t("emoji")}
              className="pop z-50 rounded-xl border border-line bg-panel p-2 text-ink shadow-pop outline-none"
            >
              <Suspense fallback={null}>
                <EmojiGrid onPick={insert} />
              </Suspense>
            </Popover.Content>
          </Popover.Portal>
        </Popover.Root>
        {(isComment || can?.attachments) && (
          <>
            <IconButton
              label={t("attach")}
              icon={Paperclip}
              inherit={isComment}
              onClick={() => picker.current?.click()}
            />
            <input
              ref={picker}
              type="file"
              multiple
              hidden
              aria-label={t("attach")}
              onChange={(event) => {
                add([...(event.target.files ?? [])]);
                event.target.value = "";
              }}
            />
          </>
        )}
        {formats && (
          <IconButton
            label={t(rich ? "rich.off" : "rich.on")}
            icon={Type}
            active={rich}
            aria-pressed={rich}
            onClick={() => richText.set(!rich)}
          />
        )}
        <span className="ms-1.5 flex min-w-0 flex-1 items-center gap-2 overflow-hidden">
          {can?.segments && draft.text !== "" && <Segments text={draft.text} onChange={(text) => change({ text })} />}
          {can?.max_chars != null && length > can.max_chars * 0.9 && (
            <span className={classes("text-2xs tabular-nums", tooLong ? "font-semibold text-bad" : "text-mute")}>
              {length}/{can.max_chars}
            </span>
          )}
        </span>
        {isComment ? (
          <Button
            tone="primary"
            icon={Send}
            disabled={blocked}
            onClick={() => send({})}
            className="h-8"
            title={keysOf("comment")}
          >
            {t("comment.add")}
          </Button>
        ) : (
          <SendButton disabled={blocked} zone={contact?.timezone ?? null} onSend={send} />
        )}
      </div>
    </section>
  );
}
