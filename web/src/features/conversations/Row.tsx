import { memo, useState, type MouseEvent } from "react";
import {
  assign,
  done,
  markRead,
  markUnread,
  reopen,
  tick,
  tickRange,
  toggleStar,
  waitingFor,
} from "@/actions/conversations";
import { picker, type PickerKind } from "@/actions/screen";
import type { Conversation, Found, Id, Last } from "@/api/types";
import { t } from "@/i18n";
import { cut, wordsOf } from "@/lib/find";
import { capped, classes } from "@/lib/text";
import { mediumTime, shortTime, span, spanInWords } from "@/lib/time";
import { useNow } from "@/lib/ticker";
import { unreadOf } from "@/sync/rules";
import { useMaybeMe, useRow, useRows } from "@/sync/store";
import { Avatar, LabelChip } from "@/ui/bits";
import { IconButton } from "@/ui/Button";
import { ChannelBadge, useLook } from "@/ui/Channel";
import { AlarmClock, BellOff, Check, CircleAlert, Clock, Lock, Mail, RotateCcw, Star, UserPlus } from "@/ui/icons";

interface RowProps {
  id: Id;
  index: number;
  here: boolean;
  ticked: boolean;
  /** Some row is ticked: all of them show their box. */
  ticking: boolean;
  focusable: boolean;
  /** What a search for `q` found in it. */
  found?: Found;
  q?: string;
  onOpen: (id: Id) => void;
}

/** Who wrote last, unless it is the contact. */
function prefix(last: Last, me: string): string {
  if (last.direction !== "out") return "";
  return last.author_name === null || last.author_name === me
    ? t("row.you")
    : t("row.author", { name: last.author_name.split(" ")[0] ?? "" });
}

const Excerpt = ({ found, q }: { found: Found; q: string }) => (
  <span dir="auto" className="block min-w-0 flex-1 truncate text-start text-mute">
    {cut(found.excerpt, wordsOf(q)).map((piece, index) =>
      piece.hit ? (
        <mark key={index} className="rounded-sm bg-warn-soft text-ink">
          {piece.text}
        </mark>
      ) : (
        piece.text
      ),
    )}
  </span>
);

function Preview({ row, unread }: { row: Conversation; unread: number }) {
  const me = useMaybeMe()?.user.name ?? "";
  const draft = row.my?.draft;
  const last = row.last;
  return (
    <span
      dir="auto"
      className={classes("block min-w-0 flex-1 truncate text-start", unread > 0 ? "text-ink" : "text-mute")}
    >
      {draft ? (
        <>
          <span className="font-medium text-bad">{t("row.draft")}</span> {draft}
        </>
      ) : last ? (
        <>
          {last.audience === "team" && (
            <Lock size={11} aria-label={t("comment")} className="me-1 inline align-[-1px]" />
          )}
          {prefix(last, me)}
          {last.preview || t("row.attachment")}
        </>
      ) : (
        t("row.empty")
      )}
    </span>
  );
}

function Labels({ ids }: { ids: readonly Id[] }) {
  const labels = useRows("labels").filter((label) => ids.includes(label.id));
  return (
    <>
      {labels.slice(0, 2).map((label) => (
        <LabelChip key={label.id} label={label} />
      ))}
      {labels.length > 2 && <span>+{labels.length - 2}</span>}
    </>
  );
}

function Waiting({ row }: { row: Conversation }) {
  useNow();
  const ms = waitingFor(row);
  if (row.status === "snoozed" && row.snoozed_until) {
    return (
      <span className="ms-auto flex shrink-0 items-center gap-1" title={mediumTime(row.snoozed_until)}>
        <BellOff size={11} aria-label={t("row.snoozed")} />
        {shortTime(row.snoozed_until)}
      </span>
    );
  }
  if (ms === null) return <span className="ms-auto" />;
  const late = ms > 60 * 60_000;
  return (
    <span
      className={classes("ms-auto flex shrink-0 items-center gap-1 tabular-nums", late && "text-warn")}
      title={t("row.waiting", { time: spanInWords(ms) })}
    >
      <Clock size={11} aria-hidden />
      {span(ms)}
    </span>
  );
}

function nameFor(row: Conversation, channel: string, unread: number): string {
  const waiting = waitingFor(row);
  return [
    row.contact.name,
    channel,
    unread > 0 && t("row.unread", { count: unread }),
    waiting !== null && t("row.waiting", { time: spanInWords(waiting) }),
    row.failed_count > 0 && t("row.failed"),
    row.scheduled_count > 0 && t("row.scheduled", { count: row.scheduled_count }),
    row.my?.starred && t("row.starred"),
  ]
    .filter(Boolean)
    .join(", ");
}

function Actions({ row, unread }: { row: Conversation; unread: number }) {
  const me = useMaybeMe()?.user.id ?? null;
  const ids = [row.id];
  const closed = row.status === "closed";
  const open = (kind: PickerKind) => (event: MouseEvent) => picker.set({ kind, ids, anchor: event.currentTarget });
  return (
    <div
      role="gridcell"
      className="absolute end-1.5 top-1 z-10 hidden rounded-lg border border-line bg-panel p-px shadow-card group-focus-within:flex pointer-fine:group-hover:flex"
      onClick={(event) => event.stopPropagation()}
    >
      <IconButton
        dense
        label={closed ? t("reopen") : t("cmd.done")}
        icon={closed ? RotateCcw : Check}
        onClick={() => (closed ? reopen(ids) : done(ids))}
      />
      <IconButton dense label={t("cmd.snooze")} icon={BellOff} onClick={open("snooze")} />
      <IconButton
        dense
        label={t("cmd.assign")}
        icon={UserPlus}
        onClick={(event) => (event.altKey ? assign(ids, me) : open("assign")(event))}
      />
      <IconButton
        dense
        label={row.my?.starred ? t("unstar") : t("cmd.star")}
        icon={Star}
        active={row.my?.starred ?? false}
        onClick={() => toggleStar(ids)}
      />
      <IconButton
        dense
        label={unread > 0 ? t("bulk.read") : t("cmd.unread")}
        icon={Mail}
        onClick={() => void (unread > 0 ? markRead(ids) : markUnread(ids))}
      />
    </div>
  );
}

export const Row = memo(function Row({ id, index, here, ticked, ticking, focusable, found, q, onOpen }: RowProps) {
  const row = useRow("conversations", id);
  const assignee = useRow("users", row?.assignee_id);
  const channelName = row?.last?.channel ?? row?.channels[0] ?? null;
  const channel = useLook(channelName);
  // Five buttons with tooltips per row would be most of the list: they come when somebody comes near.
  const [near, setNear] = useState(false);
  if (!row) return <div className="h-19" />;
  const unread = unreadOf(row);
  return (
    <div
      role="row"
      aria-rowindex={index + 1}
      aria-selected={ticked || here}
      data-row={id}
      onPointerEnter={() => setNear(true)}
      onPointerLeave={() => setNear(false)}
      onFocus={() => setNear(true)}
      onClick={(event) => (event.shiftKey ? tickRange(id) : event.metaKey || event.ctrlKey ? tick(id) : onOpen(id))}
      className={classes(
        "group relative flex h-19 gap-2.5 rounded-xl px-2.5 py-2.5 transition-colors",
        here ? "bg-sel" : ticked ? "bg-sel/60" : "hover:bg-raise",
      )}
    >
      <div role="gridcell" className="relative z-10 h-9 w-9 shrink-0">
        <span
          className={classes(
            ticked || ticking
              ? "invisible"
              : "group-has-[input:focus-visible]:invisible pointer-fine:group-hover:invisible",
          )}
        >
          <Avatar name={row.contact.name} />
          {channelName && (
            <ChannelBadge
              name={channelName}
              className={classes("absolute -end-1 -bottom-1.5 ring-2", here ? "ring-sel" : "ring-panel")}
            />
          )}
        </span>
        <label
          className={classes(
            "absolute -inset-0.5 grid place-items-center",
            ticked || ticking ? "" : "opacity-0 focus-within:opacity-100 pointer-fine:group-hover:opacity-100",
          )}
          onClick={(event) => event.stopPropagation()}
        >
          <input
            type="checkbox"
            checked={ticked}
            tabIndex={focusable ? 0 : -1}
            aria-label={t("row.tick", { name: row.contact.name })}
            onChange={() => tick(id)}
            className="size-4 accent-accent"
          />
        </label>
      </div>
      <div role="gridcell" className="min-w-0 flex-1">
        <button
          type="button"
          data-open
          tabIndex={focusable ? 0 : -1}
          aria-label={nameFor(row, channel.title, unread)}
          aria-current={here ? "true" : undefined}
          className="absolute inset-0 rounded-xl outline-offset-[-2px]"
          onClick={(event) => {
            event.stopPropagation();
            if (event.shiftKey) tickRange(id);
            else if (event.metaKey || event.ctrlKey) tick(id);
            else onOpen(id);
          }}
        />
        <div className="flex items-center gap-1.5">
          <bdi className={classes("truncate text-sm", unread > 0 ? "font-semibold" : "font-medium")}>
            {row.contact.name}
          </bdi>
          {row.my?.starred && <Star size={12} aria-hidden className="shrink-0 fill-warn text-warn" />}
          <time
            dateTime={row.last?.at ?? row.created_at}
            className={classes(
              "ms-auto shrink-0 text-2xs tabular-nums",
              unread > 0 ? "font-semibold text-accent" : "text-mute",
            )}
          >
            {shortTime(row.last?.at ?? row.created_at)}
          </time>
        </div>
        <div className="mt-px flex items-center gap-1.5">
          {found && q ? <Excerpt found={found} q={q} /> : <Preview row={row} unread={unread} />}
          {row.failed_count > 0 && <CircleAlert size={14} aria-hidden className="shrink-0 text-bad" />}
          {unread > 0 && (
            <span
              aria-hidden
              className="grid h-[18px] min-w-[18px] shrink-0 place-items-center rounded-full bg-accent px-1.5 text-2xs font-semibold text-accentink tabular-nums"
            >
              {capped(unread)}
            </span>
          )}
        </div>
        <div className="mt-0.5 flex items-center gap-1.5 overflow-hidden py-px text-2xs whitespace-nowrap text-mute">
          <span className="shrink-0">{channel.title}</span>
          {assignee && (
            <>
              <span aria-hidden>·</span>
              <bdi className="truncate">{assignee.name}</bdi>
            </>
          )}
          <Labels ids={row.labels} />
          <Waiting row={row} />
          {row.scheduled_count > 0 && <AlarmClock size={12} aria-hidden className="shrink-0" />}
        </div>
      </div>
      {near && <Actions row={row} unread={unread} />}
    </div>
  );
});
