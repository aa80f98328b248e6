import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from "react";
import { VList, type VListHandle } from "virtua";
import { openConversation, setFilters } from "@/actions/go";
import { listIds, selection } from "@/actions/screen";
import type { Filter } from "@/api/conversations";
import { sentence } from "@/api/http";
import type { Id } from "@/api/types";
import { t } from "@/i18n";
import { loadList, loadMoreOfList } from "@/sync/load";
import { useListState } from "@/sync/store";
import { Empty, Failure } from "@/ui/bits";
import { Button } from "@/ui/Button";
import { ArrowUp, Check, MessagesSquare, Search } from "@/ui/icons";
import { Row } from "./Row";
import { useHeld } from "./useHeld";

const NONE: readonly Id[] = [];
/** Ask for the next page when fewer rows than this remain below. */
const AHEAD = 15;

const Skeleton = () => (
  <div aria-hidden className="flex-1 overflow-hidden px-2">
    {Array.from({ length: 9 }, (_, index) => (
      <div key={index} className="flex h-19 gap-3 px-2.5 py-3">
        <div className="skeleton size-9 shrink-0 rounded-full" />
        <div className="flex-1 space-y-2 pt-0.5">
          <div className="skeleton h-3 w-2/5" />
          <div className="skeleton h-3 w-11/12" />
          <div className="skeleton h-2.5 w-1/3" />
        </div>
      </div>
    ))}
  </div>
);

function NothingHere({ filter }: { filter: Filter }) {
  const narrowed = filter.q || filter.channel || filter.inbox_id || filter.assignee_id || filter.label_id;
  if (narrowed) {
    const clear = { q: undefined, channel: undefined, inbox: undefined, assignee: undefined, label: undefined };
    return (
      <Empty icon={Search} title={t("list.no_match")} text={t("list.no_match_text")} className="flex-1">
        <Button onClick={() => setFilters(clear)}>{t("filter.clear")}</Button>
      </Empty>
    );
  }
  if (filter.view === "unread")
    return <Empty icon={Check} title={t("list.caught_up")} text={t("list.caught_up_text")} className="flex-1" />;
  return (
    <Empty icon={MessagesSquare} title={t("list.empty")} text={t(`list.empty.${filter.view}`)} className="flex-1" />
  );
}

export function List({ filter, open }: { filter: Filter; open: Id | null }) {
  const list = useListState(filter);
  const ticked = selection.use();
  const [error, setError] = useState<string | null>(null);
  const handle = useRef<VListHandle>(null);
  const box = useRef<HTMLDivElement>(null);
  const { ids, waiting, show, bind } = useHeld(list?.ids ?? NONE, filter, open, ticked.size > 0);

  const load = useCallback(() => {
    setError(null);
    loadList(filter).catch((problem: unknown) => setError(sentence(problem)));
  }, [filter]);
  useEffect(load, [load]);
  useEffect(() => listIds.set(ids), [ids]);
  useEffect(() => {
    const at = open === null ? -1 : listIds.get().indexOf(open);
    if (at >= 0) handle.current?.scrollToIndex(at, { align: "nearest" });
  }, [open]);

  const onScroll = useCallback(() => {
    const view = handle.current;
    if (!view || !list?.next) return;
    const last = view.findItemIndex(view.scrollOffset + view.viewportSize);
    if (last > ids.length - AHEAD) loadMoreOfList(filter).catch(() => undefined);
  }, [list?.next, ids.length, filter]);
  // On a high screen a page may fit without anything to scroll.
  useEffect(onScroll, [onScroll]);

  const onOpen = useCallback((id: Id) => openConversation(id, { at: list?.found.get(id)?.message_id }), [list?.found]);

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -ids.length, End: ids.length }[event.key];
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
    if (!step || !row) return;
    event.preventDefault();
    const at = ids.indexOf(Number(row.dataset["row"]));
    const next = Math.min(ids.length - 1, Math.max(0, at + step));
    handle.current?.scrollToIndex(next, { align: "nearest" });
    requestAnimationFrame(() =>
      box.current?.querySelector<HTMLElement>(`[data-row="${ids[next]}"] [data-open]`)?.focus(),
    );
  };

  if (error && !list?.loaded) return <Failure text={error} onRetry={load} />;
  if (!list?.loaded) return <Skeleton />;
  if (ids.length === 0 && waiting === 0) return <NothingHere filter={filter} />;
  const focusable = open !== null && ids.includes(open) ? open : ids[0];
  return (
    <div role="presentation" ref={box} {...bind} onKeyDown={onKeyDown} className="relative min-h-0 flex-1">
      {waiting > 0 && (
        <button
          type="button"
          onClick={() => {
            show();
            handle.current?.scrollToIndex(0);
          }}
          className="pop absolute inset-x-0 top-2 z-10 mx-auto flex w-fit items-center gap-1.5 rounded-full bg-accent px-3.5 py-1.5 text-xs font-semibold text-accentink shadow-pop"
        >
          {t("list.new", { count: waiting })}
          <ArrowUp size={14} aria-hidden />
        </button>
      )}
      <VList
        ref={handle}
        data={ids}
        itemSize={76}
        onScroll={onScroll}
        role="grid"
        aria-label={t("list")}
        aria-rowcount={list.next === null ? ids.length : -1}
        aria-colcount={3}
        aria-multiselectable
        className="px-2 pb-2"
        style={{ height: "100%" }}
      >
        {(id, index) => (
          <Row
            key={id}
            id={id}
            found={list.found.get(id)}
            q={filter.q}
            index={index}
            here={id === open}
            ticked={ticked.has(id)}
            ticking={ticked.size > 0}
            focusable={id === focusable}
            onOpen={onOpen}
          />
        )}
      </VList>
    </div>
  );
}
