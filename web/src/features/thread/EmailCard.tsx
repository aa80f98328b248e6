import { useState } from "react";
import { htmlAddress } from "@/api/messages";
import type { Message } from "@/api/types";
import { t } from "@/i18n";
import { classes, quoted } from "@/lib/text";
import { clock, fullTime } from "@/lib/time";
import { Avatar } from "@/ui/bits";
import { ChannelIcon, useLook } from "@/ui/Channel";
import { Ellipsis } from "@/ui/icons";
import { DeliveryMark, DeliveryNote } from "./Delivery";
import { Files } from "./Files";
import { whoOf, type OnImage } from "./MessageItem";
import { MessageMenu } from "./MessageMenu";
import { RichText } from "./RichText";

const LINE_PX = 22;
const LINE_CHARACTERS = 80;

/** About as high as the text will be: the frame is closed to us, and the corner can be dragged. */
function guessedHeight(text: string): number {
  const lines = text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / LINE_CHARACTERS)), 0);
  return Math.min(720, Math.max(140, lines * LINE_PX + 90));
}

/** The sender's own layout: no scripts, and no pictures from elsewhere unless asked for. */
const Layout = ({ message, images }: { message: Message; images: boolean }) => (
  <div
    className="mt-2 resize-y overflow-hidden rounded-lg bg-white"
    style={{ height: guessedHeight(message.text), colorScheme: "light" }}
  >
    <iframe
      key={String(images)}
      title={t("email.layout")}
      src={htmlAddress(message.id, images)}
      sandbox="allow-popups allow-popups-to-escape-sandbox"
      referrerPolicy="no-referrer"
      className="size-full"
    />
  </div>
);

/** The address alone: the name stands beside it already. */
const bare = (from: string): string => /<([^>]+)>/.exec(from)?.[1] ?? from;

const People = ({ label, list }: { label: string; list: readonly string[] }) =>
  list.length > 0 ? (
    <>
      <dt className="text-mute">{label}</dt>
      <dd className="min-w-0 break-words">
        <bdi>{list.join(", ")}</bdi>
      </dd>
    </>
  ) : null;

const Quiet = ({ text, onClick }: { text: string; onClick: () => void }) => (
  <button
    type="button"
    onClick={onClick}
    className="rounded-md px-2 py-1 text-xs font-medium text-mute hover:bg-hover hover:text-ink"
  >
    {text}
  </button>
);

export function EmailCard({ message, onImage }: { message: Message; onImage: OnImage }) {
  const out = message.direction === "out";
  const look = useLook(message.channel);
  const [layout, setLayout] = useState(false);
  const [images, setImages] = useState(false);
  const [history, setHistory] = useState(false);
  const [heads, setHeads] = useState(false);
  const rest = quoted(message.text, message.reply);
  const body = message.reply ?? message.text;
  const email = message.email;
  return (
    <article
      aria-label={t(out ? "message.out" : "message.in", { channel: look.title, name: whoOf(message) })}
      className={classes("group flex px-3 py-2 sm:px-5", out && "justify-end")}
    >
      <div
        className={classes(
          "w-full max-w-2xl rounded-2xl border bg-panel px-4 py-3 shadow-card",
          out ? "border-accent/25" : "border-line",
        )}
      >
        <header className="flex items-start gap-3">
          <Avatar name={whoOf(message)} size={32} />
          <div className="min-w-0 flex-1">
            <p className="flex items-baseline gap-2">
              <bdi className="truncate font-semibold">{whoOf(message)}</bdi>
              {email?.from && <bdi className="truncate text-xs text-mute max-sm:hidden">{bare(email.from)}</bdi>}
            </p>
            <button
              type="button"
              aria-expanded={heads}
              onClick={() => setHeads(!heads)}
              className="min-h-6 max-w-full truncate text-xs text-mute hover:text-ink"
            >
              {email && email.to.length > 0 ? t("email.to", { to: email.to.join(", ") }) : look.title}
              {email && email.cc.length > 0 && ` · ${t("email.cc_count", { count: email.cc.length })}`}
            </button>
          </div>
          <div className="flex items-center gap-1 text-2xs text-mute">
            <ChannelIcon name={message.channel} size={12} own />
            <time dateTime={message.at} title={fullTime(message.at)}>
              {clock(message.at)}
            </time>
            <DeliveryMark message={message} />
            <MessageMenu message={message} />
          </div>
        </header>
        {heads && email && (
          <dl className="mt-2 grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 rounded-lg bg-raise px-3 py-2 text-xs">
            <People label={t("email.from_label")} list={email.from ? [email.from] : []} />
            <People label={t("email.to_label")} list={email.to} />
            <People label={t("email.cc")} list={email.cc} />
            <People label={t("email.bcc")} list={email.bcc} />
            <People label={t("email.reply_to")} list={email.reply_to ? [email.reply_to] : []} />
          </dl>
        )}
        {message.subject && (
          <p dir="auto" className="mt-2 text-base font-semibold">
            {message.subject}
          </p>
        )}
        {layout ? (
          <Layout message={message} images={images} />
        ) : (
          <div className="mt-1.5 text-base">
            <RichText text={history ? message.text : body} />
          </div>
        )}
        <Files files={message.files.filter((file) => !file.inline)} onImage={onImage} />
        {(message.has_html || rest) && (
          <footer className="-mx-2 mt-2 flex flex-wrap items-center gap-1">
            {rest && !layout && (
              <button
                type="button"
                aria-expanded={history}
                aria-label={t(history ? "email.hide_quote" : "email.show_quote")}
                onClick={() => setHistory(!history)}
                className="mx-2 grid h-5 w-8 place-items-center rounded-full bg-raise text-mute hover:bg-hover hover:text-ink"
              >
                <Ellipsis size={15} aria-hidden />
              </button>
            )}
            {message.has_html && (
              <Quiet text={t(layout ? "email.as_text" : "email.as_layout")} onClick={() => setLayout(!layout)} />
            )}
            {layout && !images && <Quiet text={t("email.images")} onClick={() => setImages(true)} />}
          </footer>
        )}
        <DeliveryNote message={message} />
      </div>
    </article>
  );
}
