import { memo } from "react";
import type { Id, Message, MessageIn, StoredFile } from "@/api/types";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { clock, fullTime } from "@/lib/time";
import type { Entry } from "@/sync/outbox";
import { discardEntry, retryEntry } from "@/sync/sending";
import { useRow, useRows } from "@/sync/store";
import { ChannelIcon, useChannel, useLook } from "@/ui/Channel";
import { Clock, Lock } from "@/ui/icons";
import { ActivityLine } from "./ActivityLine";
import { DeliveryMark, DeliveryNote } from "./Delivery";
import { EmailCard } from "./EmailCard";
import { Files } from "./Files";
import { MessageMenu } from "./MessageMenu";
import { RichText } from "./RichText";

export type OnImage = (files: readonly StoredFile[], at: number) => void;

interface ItemProps {
  id: Id;
  first: boolean;
  last: boolean;
  onImage: OnImage;
}

export const MessageItem = memo(function MessageItem({ id, first, last, onImage }: ItemProps) {
  const message = useRow("messages", id);
  const channel = useChannel(message?.channel);
  if (!message) return null;
  if (message.direction === "activity") return <ActivityLine message={message} />;
  if (message.audience === "team") return <CommentCard message={message} onImage={onImage} />;
  if (channel?.can.subject && (message.email || message.subject))
    return <EmailCard message={message} onImage={onImage} />;
  return <Bubble message={message} first={first} last={last} onImage={onImage} />;
});

export const whoOf = (message: Message): string =>
  message.author.name ||
  (message.author.kind === "system"
    ? t("author.system")
    : message.author.kind === "user"
      ? t("author.deleted")
      : t("contact"));

function nameFor(message: Message, channel: string): string {
  const direction = t(message.direction === "in" ? "message.in" : "message.out", { channel, name: whoOf(message) });
  return `${direction}, ${clock(message.at)}`;
}

function Bubble({ message, first, last, onImage }: { message: Message } & Omit<ItemProps, "id">) {
  const out = message.direction === "out";
  const look = useLook(message.channel);
  const inbox = useRow("inboxes", message.inbox_id);
  const several = useRows("inboxes").filter((one) => one.channel === message.channel).length > 1;
  return (
    <article
      aria-label={nameFor(message, look.title)}
      className={classes("group flex px-3 sm:px-5", out ? "justify-end" : "", first ? "pt-2" : "pt-1")}
    >
      <div className={classes("flex max-w-[88%] min-w-0 flex-col sm:max-w-[74%]", out ? "items-end" : "items-start")}>
        {first && out && (
          <span className="mb-0.5 px-1 text-2xs text-mute">
            {message.automatic ? t("author.automatic", { name: whoOf(message) }) : whoOf(message)}
          </span>
        )}
        <div className={classes("flex max-w-full items-center gap-1", out && "flex-row-reverse")}>
          <div className="min-w-0">
            {message.text && (
              <div
                className={classes(
                  "rounded-2xl px-3.5 py-2 text-base",
                  out ? "bg-out" : "bg-in ring-1 ring-line/60",
                  last && (out ? "rounded-ee-md" : "rounded-es-md"),
                )}
              >
                <RichText text={message.text} />
              </div>
            )}
            <Files files={message.files} onImage={onImage} end={out} />
          </div>
          <MessageMenu message={message} />
        </div>
        <DeliveryNote message={message} />
        {message.typed.map(({ kind, value }) => (
          <span key={kind} className="mt-0.5 px-1 text-2xs text-mute">
            <bdi>{value}</bdi> · {t("point.claimed")}
          </span>
        ))}
        {last && (
          <div className="mt-1 flex items-center gap-1.5 px-1 text-2xs text-mute">
            <ChannelIcon name={message.channel} size={11} own />
            <span>
              {look.title}
              {several && inbox && <bdi> · {inbox.name}</bdi>}
            </span>
            <time dateTime={message.at} title={fullTime(message.at)}>
              {clock(message.at)}
            </time>
            {message.segments !== null && message.segments > 1 && (
              <span>{t("segments.parts", { count: message.segments })}</span>
            )}
            <DeliveryMark message={message} />
          </div>
        )}
      </div>
    </article>
  );
}

function CommentCard({ message, onImage }: { message: Message; onImage: OnImage }) {
  return (
    <article
      aria-label={t("comment.by", { name: whoOf(message) })}
      className="group flex justify-center px-3 py-1.5 sm:px-5"
    >
      <div className="w-full max-w-2xl rounded-xl border border-dashed border-noteline bg-note px-3.5 py-2.5 text-noteink">
        <div className="mb-1 flex items-center gap-1.5 text-2xs font-semibold">
          <Lock size={12} aria-hidden />
          {t("comment")} · <bdi>{whoOf(message)}</bdi>
          <time dateTime={message.at} title={fullTime(message.at)} className="ms-auto font-normal">
            {clock(message.at)}
          </time>
          <MessageMenu message={message} />
        </div>
        <div className="text-base">
          <RichText text={message.text} mentions={message.mentions} />
        </div>
        <Files files={message.files} onImage={onImage} />
      </div>
    </article>
  );
}

/** Written here, not yet confirmed by the server. */
export function PendingItem({ entry }: { entry: Entry }) {
  const comment = entry.kind === "comment";
  const { text = "", subject } = entry.body as MessageIn;
  return (
    <article
      className={classes("flex px-3 pt-2 sm:px-5", comment ? "justify-center" : "justify-end")}
      aria-label={t("message.waiting")}
    >
      <div className={classes("flex flex-col", comment ? "w-full max-w-2xl" : "max-w-[88%] items-end sm:max-w-[74%]")}>
        <div
          className={classes(
            "px-3.5 py-2 text-base",
            comment
              ? "rounded-xl border border-dashed border-noteline bg-note text-noteink"
              : "rounded-2xl rounded-ee-md bg-out",
            entry.refused ? "ring-1 ring-bad" : "opacity-80",
          )}
        >
          {subject && <p className="font-semibold">{subject}</p>}
          <RichText text={text} />
        </div>
        <Files files={entry.files} onImage={() => undefined} end={!comment} />
        {entry.refused ? (
          <p role="alert" className="mt-1 flex flex-wrap items-center justify-end gap-x-2 text-xs text-bad">
            <span>{entry.refused.sentence}</span>
            <button type="button" className="font-semibold underline" onClick={() => void retryEntry(entry.key)}>
              {t("try_again")}
            </button>
            <button type="button" className="font-semibold underline" onClick={() => void discardEntry(entry.key)}>
              {t("discard")}
            </button>
          </p>
        ) : (
          <span className="mt-1 flex items-center gap-1 self-end px-1 text-2xs text-mute">
            <ChannelIcon name={entry.channel} size={11} own />
            {t("delivery.waiting")}
            <Clock size={12} aria-hidden />
          </span>
        )}
      </div>
    </article>
  );
}
