import { useEffect, useLayoutEffect, useMemo, useRef, useState, type RefObject } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { Id, StoredFile } from "@/api/types";
import { t } from "@/i18n";
import { marking, rangesOf } from "@/lib/find";
import { classes } from "@/lib/text";
import { dayName, sameDay } from "@/lib/time";
import { loadOlder } from "@/sync/load";
import { IconButton } from "@/ui/Button";
import { ArrowDown } from "@/ui/icons";
import type { Item } from "./items";
import { MessageItem, PendingItem } from "./MessageItem";

interface ScrollerProps {
  conversation: Id;
  items: readonly Item[];
  hasOlder: boolean;
  /** The message to show, and what is marked in all of them. */
  found: Id | null;
  pattern: RegExp | null;
  onImage: (files: readonly StoredFile[], at: number) => void;
}

/** By then a message that was scrolled to is drawn. */
const DRAWN_MS = 60;
/** Closer to the end than this counts as reading the newest. */
const NEAR_PX = 80;

const messageIds = (items: readonly Item[]) => items.find((item) => item.kind === "message")?.key;

/** Stands above the oldest message. It is an item like the others: what is above the list would shift its end. */
const START = { kind: "start", key: "start" } as const;

/** The day of what stands at that place; null where its own line is still in sight. */
function dayAbove(items: readonly (Item | typeof START)[], index: number): string | null {
  for (let at = index - 1; at >= 0; at--) {
    const item = items[at];
    if (item?.kind === "day") return items[index]?.kind === "day" ? null : item.at;
  }
  return null;
}

/** Brings the message that was found into the middle, and then the words in it, should it be longer than the screen. */
function useShown(
  box: RefObject<HTMLElement | null>,
  handle: RefObject<VirtualizerHandle | null>,
  rows: readonly (Item | typeof START)[],
  found: Id | null,
  pattern: RegExp | null,
): void {
  const index = found === null ? -1 : rows.findIndex((item) => item.kind === "message" && item.id === found);
  const latest = useRef({ index, pattern });
  latest.current = { index, pattern };
  // It may be asked for before it is among the rows, and rows may come in above it afterwards.
  const there = index >= 0;
  useEffect(() => {
    if (!there) return;
    handle.current?.scrollToIndex(latest.current.index, { align: "center" });
    const timer = setTimeout(() => {
      const [element, wanted] = [box.current, latest.current.pattern];
      const message = element?.querySelector("[data-found]");
      const [words] = message && wanted ? rangesOf(message, wanted) : [];
      if (!element || !words) return;
      const [place, frame] = [words.getBoundingClientRect(), element.getBoundingClientRect()];
      if (place.top < frame.top || place.bottom > frame.bottom)
        element.scrollTop += place.top - frame.top - frame.height / 2;
    }, DRAWN_MS);
    return () => clearTimeout(timer);
  }, [box, handle, found, there]);
}

export function Scroller({ conversation, items, hasOlder, found, pattern, onImage }: ScrollerProps) {
  const box = useRef<HTMLDivElement>(null);
  const handle = useRef<VirtualizerHandle>(null);
  const atEnd = useRef(true);
  const before = useRef<{ first: string | undefined; last: string | undefined }>({ first: undefined, last: undefined });
  const [away, setAway] = useState(false);
  const [day, setDay] = useState<string | null>(null);
  const rows = useMemo(() => (hasOlder ? items : [START, ...items]), [hasOlder, items]);

  const first = messageIds(items);
  const last = items.at(-1)?.key;
  // Older messages came in above: keep what is on screen where it is.
  const shift = before.current.first !== undefined && first !== before.current.first && last === before.current.last;

  const toEnd = () => handle.current?.scrollToIndex(rows.length - 1, { align: "end" });

  useLayoutEffect(() => {
    const grew = last !== before.current.last;
    const own = items.at(-1)?.kind === "entry";
    before.current = { first, last };
    if (grew && (atEnd.current || own)) toEnd();
  });

  useEffect(() => {
    // The composer grew or the keyboard came up: stay with the newest message.
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = box.current;
    return element && pattern ? marking(element, pattern) : undefined;
  }, [pattern]);
  useShown(box, handle, rows, found, pattern);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    atEnd.current = rest < NEAR_PX;
    setAway(rest > element.clientHeight);
    const scrolls = element.scrollHeight > element.clientHeight;
    const above = scrolls && handle.current ? dayAbove(rows, handle.current.findItemIndex(element.scrollTop)) : null;
    // Whoever reads the newest of today knows the day.
    setDay(above && atEnd.current && sameDay(above, new Date().toISOString()) ? null : above);
    if (hasOlder && element.scrollTop < element.clientHeight * 1.5) loadOlder(conversation).catch(() => undefined);
  };

  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={box}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label={t("thread")}
        tabIndex={0}
        className="flex h-full flex-col overflow-x-hidden overflow-y-auto outline-offset-[-2px] [overflow-anchor:none]"
      >
        <div className="flex-1" />
        <Virtualizer ref={handle} scrollRef={box} data={rows} shift={shift} onResize={() => atEnd.current && toEnd()}>
          {(item) => (
            // The room below the newest is its own: scrolling to its end shows it.
            <div
              key={item.key}
              data-found={(item.kind === "message" && item.id === found) || undefined}
              className={classes("data-found:bg-sel", item.key === last && "pb-3")}
            >
              {item.kind === "start" && (
                <p className="px-5 pt-3 pb-2 text-center text-2xs text-mute">{t("thread.start")}</p>
              )}
              {item.kind === "day" && <Day at={item.at} />}
              {item.kind === "new" && <NewLine />}
              {item.kind === "message" && (
                <MessageItem id={item.id} first={item.first} last={item.last} onImage={onImage} />
              )}
              {item.kind === "entry" && <PendingItem entry={item.entry} />}
            </div>
          )}
        </Virtualizer>
      </div>
      {day !== null && (
        <p aria-hidden className="pointer-events-none absolute inset-x-0 top-2 flex justify-center">
          <span className="rounded-full border border-line bg-panel px-2.5 py-0.5 text-2xs font-medium text-mute shadow-card">
            {dayName(day)}
          </span>
        </p>
      )}
      {away && (
        <div className="absolute end-4 bottom-3 rounded-lg border border-line bg-panel shadow-pop">
          <IconButton
            label={t("thread.newest")}
            icon={ArrowDown}
            side="left"
            onClick={() => {
              atEnd.current = true;
              toEnd();
            }}
          />
        </div>
      )}
    </div>
  );
}

const Day = ({ at }: { at: string }) => (
  <div className="flex items-center gap-3 px-5 pt-4 pb-2" role="separator" aria-label={dayName(at)}>
    <span className="h-px flex-1 bg-line" />
    <span className="text-2xs font-medium text-mute">{dayName(at)}</span>
    <span className="h-px flex-1 bg-line" />
  </div>
);

const NewLine = () => (
  <div className="flex items-center gap-3 px-5 py-2" role="separator" aria-label={t("thread.new")}>
    <span className="h-px flex-1 bg-accent/40" />
    <span className="text-2xs font-semibold text-accent">{t("thread.new")}</span>
    <span className="h-px flex-1 bg-accent/40" />
  </div>
);
