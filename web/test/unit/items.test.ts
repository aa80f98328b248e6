import { describe, expect, it } from "vitest";
import type { Message } from "@/api/types";
import { buildItems, firstUnread, waitingOf } from "@/features/thread/items";
import type { Entry } from "@/sync/outbox";
import { blankMessage } from "../fake/data";

const START = Date.parse("2026-11-18T09:00:00Z");
const at = (id: number, minutes: number, part: Partial<Message> = {}): Message => ({
  ...blankMessage(id, 1, START + minutes * 60_000),
  ...part,
});
const kinds = (messages: Message[], newFrom: number | null = null) =>
  buildItems(messages, [], newFrom).map((item) => item.kind);

describe("the thread as it is drawn", () => {
  it("puts a line between days and before what is new", () => {
    expect(kinds([at(1, 0), at(2, 24 * 60), at(3, 24 * 60 + 1)], 3)).toEqual([
      "day",
      "message",
      "day",
      "message",
      "new",
      "message",
    ]);
  });

  it("holds messages of one author together for five minutes", () => {
    const items = buildItems([at(1, 0), at(2, 4), at(3, 20)], [], null).filter((item) => item.kind === "message");
    expect(items.map((item) => [item.first, item.last])).toEqual([
      [true, false],
      [false, true],
      [true, true],
    ]);
  });

  it("never groups a comment with a reply", () => {
    const items = buildItems(
      [at(1, 0, { direction: "out" }), at(2, 1, { direction: "out", audience: "team" })],
      [],
      null,
    );
    expect(items.filter((item) => item.kind === "message").every((item) => item.first && item.last)).toBe(true);
  });

  it("keeps what waits for its time out of the thread, the next one first", () => {
    const wait = (id: number, due: number) =>
      at(id, 1, {
        direction: "out",
        delivery: {
          state: "queued",
          due_at: new Date(START + due * 60_000).toISOString(),
          code: null,
          reason: null,
          at: null,
        },
      });
    const messages = [at(1, 0), wait(2, 600), wait(3, 60)];
    expect(kinds(messages)).toEqual(["day", "message"]);
    expect(waitingOf(messages).map((message) => message.id)).toEqual([3, 2]);
  });

  it("shows a message of this browser once, whether the server knows it or not", () => {
    const entry: Entry = {
      key: "k",
      conversation_id: 1,
      kind: "message",
      body: { text: "Hi" },
      files: [],
      channel: null,
      at: "",
      refused: null,
    };
    expect(buildItems([at(1, 0)], [entry], null).map((item) => item.kind)).toEqual(["day", "message", "entry"]);
    const confirmed = buildItems([at(1, 0), at(2, 1, { client_key: "k" })], [entry], null);
    expect(confirmed.map((item) => item.kind)).toEqual(["day", "message", "message"]);
    // The same key before and after: the bubble does not blink.
    expect(confirmed.at(-1)?.key).toBe("m:k");
  });
});

it("finds the first unread message from the end", () => {
  const messages = [at(1, 0), at(2, 1, { direction: "out" }), at(3, 2), at(4, 3)];
  expect([
    firstUnread(messages, 0, false),
    firstUnread(messages, 1, true),
    firstUnread(messages, 2, true),
    firstUnread(messages, 9, false),
    firstUnread(messages, 9, true),
  ]).toEqual([null, 4, 3, 1, null]);
});
