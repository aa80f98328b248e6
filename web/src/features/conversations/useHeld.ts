import { useEffect, useRef, useState, type FocusEvent } from "react";
import type { Filter } from "@/api/conversations";
import type { Id } from "@/api/types";
import { matches } from "@/sync/rules";
import { store } from "@/sync/store";

interface Held {
  ids: readonly Id[];
  /** How many conversations wait above, unseen. */
  waiting: number;
  show: () => void;
  bind: {
    onPointerEnter: () => void;
    onPointerLeave: () => void;
    onFocus: (event: FocusEvent) => void;
    onBlur: (event: FocusEvent) => void;
  };
}

/**
 * Nothing jumps: while the pointer is over the list, the focus in it, or rows are ticked, rows change in place but keep
 * their order, and what is new waits behind "3 new". Rows that were only read stay until the person looks away.
 */
export function useHeld(live: readonly Id[], filter: Filter, open: Id | null, ticked: boolean): Held {
  const [over, setOver] = useState(false);
  const [focused, setFocused] = useState(false);
  const held = over || focused || ticked;
  const frozen = useRef(live);
  const filterNow = useRef(filter);
  const seen = useRef(new Set<Id>());
  const [, again] = useState(0);

  const me = store.state.me?.user.id ?? 0;
  const stays = (id: Id): boolean => {
    const row = store.row("conversations", id);
    return row !== undefined && matches(row, filter, me, true);
  };
  const known = new Set(frozen.current);
  const grown = live.length > 0 && known.size > 0 && live.slice(0, 1).some((id) => known.has(id));
  let ids: readonly Id[];
  if (!held || filterNow.current !== filter || known.size === 0)
    ids = keepOpen(live, frozen.current, filterNow.current === filter ? open : null, stays);
  else {
    const alive = new Set(live);
    const kept = frozen.current.filter((id) => alive.has(id) || (!filter.q && stays(id)));
    // Older rows that paging brought belong below; what is new on top waits.
    const bottom = live.findLastIndex((id) => known.has(id));
    // What the person took away and brought back stands where it belongs.
    for (const [at, id] of live.entries()) if (seen.current.has(id) && !kept.includes(id)) kept.splice(at, 0, id);
    ids = [...kept, ...(grown || bottom >= 0 ? live.slice(bottom + 1).filter((id) => !known.has(id)) : [])];
  }
  const shown = new Set(ids);
  const waiting = live.filter((id) => !shown.has(id)).length;

  useEffect(() => {
    frozen.current = ids;
    if (filterNow.current !== filter || !held) seen.current.clear();
    ids.forEach((id) => seen.current.add(id));
    filterNow.current = filter;
  });
  return {
    ids,
    waiting,
    show: () => {
      frozen.current = live;
      again((count) => count + 1);
    },
    bind: {
      onPointerEnter: () => setOver(true),
      onPointerLeave: () => setOver(false),
      // A click leaves the focus behind; only the keyboard stays in the list.
      onFocus: (event) => setFocused(event.target.matches(":focus-visible")),
      onBlur: (event) => !event.currentTarget.contains(event.relatedTarget) && setFocused(false),
    },
  };
}

/** The open row never leaves the list under the reader's eyes just because it was read. */
function keepOpen(
  live: readonly Id[],
  before: readonly Id[],
  open: Id | null,
  stays: (id: Id) => boolean,
): readonly Id[] {
  if (open === null || live.includes(open) || !before.includes(open) || !stays(open)) return live;
  const at = Math.min(before.indexOf(open), live.length);
  return [...live.slice(0, at), open, ...live.slice(at)];
}
