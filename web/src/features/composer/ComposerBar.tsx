import { lazy, Suspense, useRef } from "react";
import { Popover } from "radix-ui";
import { keysOf } from "@/actions/registry";
import { richText } from "@/actions/screen";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { Button, IconButton } from "@/ui/Button";
import { Paperclip, Send, Smile, Type } from "@/ui/icons";
import { Segments } from "./Segments";
import { SendButton } from "./SendButton";
import type { Composing, How } from "./useComposing";

const EmojiGrid = lazy(() => import("./EmojiGrid"));

interface ComposerBarProps {
  composing: Composing;
  /** The contact's time zone, if it is known. */
  zone: string | null;
  onInsert: (text: string) => void;
  onSend: (how: How) => void;
}

/** What stands below the text: emoji, files, formats, how long it is, and the button that sends. */
export function ComposerBar({ composing, zone, onInsert, onSend }: ComposerBarProps) {
  const { isComment, can, draft, change, formats, rich, length, tooLong, blocked, add } = composing;
  return (
    <div className="flex items-center gap-0.5 px-2 pb-2">
      <EmojiButton inherit={isComment} onPick={onInsert} />
      {(isComment || can?.attachments) && <AttachButton inherit={isComment} onFiles={add} />}
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
          onClick={() => onSend({})}
          className="h-8"
          title={keysOf("comment")}
        >
          {t("comment.add")}
        </Button>
      ) : (
        <SendButton disabled={blocked} zone={zone} onSend={onSend} />
      )}
    </div>
  );
}

function EmojiButton({ inherit, onPick }: { inherit: boolean; onPick: (text: string) => void }) {
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <IconButton label={t("emoji")} icon={Smile} inherit={inherit} />
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
            <EmojiGrid onPick={onPick} />
          </Suspense>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function AttachButton({ inherit, onFiles }: { inherit: boolean; onFiles: (files: readonly File[]) => void }) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label={t("attach")} icon={Paperclip} inherit={inherit} onClick={() => picker.current?.click()} />
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        aria-label={t("attach")}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
    </>
  );
}
