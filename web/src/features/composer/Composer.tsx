import { lazy, Suspense, useEffect, useRef } from "react";
import { composerCall } from "@/actions/screen";
import type { Conversation } from "@/api/types";
import { t } from "@/i18n";
import { brief, classes, toHtml } from "@/lib/text";
import { useMe, useRow, useRows } from "@/sync/store";
import { usePresence } from "@/sync/whispers";
import { Lock } from "@/ui/icons";
import { ComposerBar } from "./ComposerBar";
import { EmailFields } from "./EmailFields";
import { ModeTabs } from "./ModeTabs";
import { RouteSwitcher } from "./RouteSwitcher";
import { TextBox } from "./TextBox";
import { Tray } from "./Tray";
import { useComposing, type Composing, type How } from "./useComposing";

const RichBox = lazy(() => import("./RichBox"));

export function Composer({ conversation, dropped }: { conversation: Conversation; dropped: readonly File[] }) {
  const me = useMe();
  const contact = useRow("contacts", conversation.contact.id);
  const composing = useComposing(conversation);
  const { isComment, mode, setMode, draft, change, route, routes, choose, can, rich, add } = composing;
  const box = useRef<HTMLTextAreaElement>(null);
  const whole = useRef<HTMLElement>(null);
  const insertRich = useRef<((text: string) => void) | null>(null);

  /** Whoever comes back to a draft goes on where it ends. */
  const focus = () => {
    const field = whole.current?.querySelector<HTMLElement>("[data-composer]");
    if (!field || field === document.activeElement) return;
    field.focus();
    if (field instanceof HTMLTextAreaElement) field.setSelectionRange(field.value.length, field.value.length);
  };
  const call = composerCall.use();
  const heard = useRef(call.count);
  useEffect(() => {
    if (call.count === heard.current) return;
    heard.current = call.count;
    setMode(call.mode);
    focus();
  }, [call, setMode]);
  useEffect(() => {
    if (dropped.length > 0) add(dropped);
  }, [dropped, add]);

  const send = (how: How) => {
    if (composing.send(how)) focus();
  };
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
        <ModeTabs mode={mode} onChange={setMode} drafted={composing.drafted} />
        {isComment ? <OnlyTheTeam /> : <RouteSwitcher routes={routes} route={route} onChoose={choose} />}
      </div>
      <Notices conversation={conversation} refusal={composing.refusal} />
      {can?.subject && route && (
        <EmailFields
          key={route.inbox_id}
          can={can}
          route={route}
          draft={draft}
          subject={composing.subject}
          onChange={change}
        />
      )}
      {rich ? (
        <Suspense fallback={<div className="h-24" />}>
          <RichBox
            key={composing.round}
            html={draft.html ?? toHtml(draft.text)}
            label={t("reply.write")}
            insert={insertRich}
            onChange={(html, text) => composing.write(text, html)}
            onKeyDown={onKey}
            onFiles={add}
          />
        </Suspense>
      ) : (
        <TextBox
          box={box}
          label={t(isComment ? "comment.write" : "reply.write")}
          placeholder={t(isComment ? "comment.placeholder" : "reply.placeholder", {
            name: brief(conversation.contact.name),
          })}
          value={draft.text}
          mentions={isComment}
          note={isComment}
          onChange={(text) => composing.write(text)}
          onKeyDown={(event) => void onKey(event.nativeEvent)}
          onFiles={add}
          onBlur={composing.stopped}
        />
      )}
      <Tray
        files={draft.files}
        uploads={composing.uploads}
        onRemoveUpload={composing.drop}
        onRemoveFile={(gone) => change({ files: draft.files.filter((file) => file.id !== gone) })}
      />
      <ComposerBar composing={composing} zone={contact?.timezone ?? null} onInsert={insert} onSend={send} />
    </section>
  );
}

const OnlyTheTeam = () => (
  <span className="flex items-center gap-1.5 text-xs">
    <Lock size={12} aria-hidden />
    {t("comment.only_team")}
  </span>
);

/** Who else is writing here, and why nothing can be sent. */
function Notices({ conversation, refusal }: { conversation: Conversation; refusal: Composing["refusal"] }) {
  const me = useMe();
  const users = useRows("users");
  const presence = usePresence(conversation.id);
  const writing = users.filter((user) => user.id !== me.user.id && presence.typing.includes(user.id));
  return (
    <>
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
    </>
  );
}
