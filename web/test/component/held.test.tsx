import { act, renderHook } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import type { Filter } from "@/api/conversations";
import type { Me } from "@/api/types";
import { useHeld } from "@/features/conversations/useHeld";
import { store } from "@/sync/store";
import { World } from "../fake/world";

const ALL: Filter = { view: "all" };
const UNREAD: Filter = { view: "unread" };

beforeEach(() => {
  const world = new World({ now: Date.parse("2026-11-18T12:00:00Z"), count: 12, long: 4 });
  store.setMe({ user: world.users[0], workspace: world.workspace } as unknown as Me);
  for (const row of world.conversations.values())
    store.put("conversations", { ...row, status: "open", rev: row.rev + 100 });
});

const held = (filter: Filter, live: number[], open: number | null = null) =>
  renderHook(({ ids }: { ids: number[] }) => useHeld(ids, filter, open, false), { initialProps: { ids: live } });

describe("a list that somebody points at", () => {
  it("follows while nobody looks", () => {
    const { result, rerender } = held(ALL, [1, 2, 3]);
    rerender({ ids: [3, 1, 2] });
    expect(result.current.ids).toEqual([3, 1, 2]);
  });

  it("keeps its order, and counts what is new", () => {
    const { result, rerender } = held(ALL, [1, 2, 3]);
    act(() => result.current.bind.onPointerEnter());
    rerender({ ids: [9, 3, 8, 1, 2] });
    expect([result.current.ids, result.current.waiting]).toEqual([[1, 2, 3], 2]);
    act(() => result.current.show());
    expect([result.current.ids, result.current.waiting]).toEqual([[9, 3, 8, 1, 2], 0]);
  });

  it("catches up when the pointer leaves", () => {
    const { result, rerender } = held(ALL, [1, 2, 3]);
    act(() => result.current.bind.onPointerEnter());
    rerender({ ids: [9, 1, 2, 3] });
    act(() => result.current.bind.onPointerLeave());
    expect(result.current.ids).toEqual([9, 1, 2, 3]);
  });

  it("drops what was closed, at once", () => {
    const { result, rerender } = held(ALL, [1, 2, 3]);
    act(() => result.current.bind.onPointerEnter());
    act(() => store.put("conversations", { ...store.row("conversations", 2)!, status: "closed" }));
    rerender({ ids: [1, 3] });
    expect(result.current.ids).toEqual([1, 3]);
  });

  it("takes in older pages below", () => {
    const { result, rerender } = held(ALL, [1, 2, 3]);
    act(() => result.current.bind.onPointerEnter());
    rerender({ ids: [1, 2, 3, 4, 5] });
    expect([result.current.ids, result.current.waiting]).toEqual([[1, 2, 3, 4, 5], 0]);
  });
});

it("does not pull the open conversation away because it was read", () => {
  const { result, rerender } = held(UNREAD, [1, 2, 3], 2);
  rerender({ ids: [1, 3] });
  expect(result.current.ids).toEqual([1, 2, 3]);
});
