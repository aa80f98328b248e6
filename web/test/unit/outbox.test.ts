import { describe, expect, it } from "vitest";
import { ApiError, Unreachable } from "@/api/http";
import type { Message } from "@/api/types";
import { memoryKeep } from "@/sync/keep";
import { Outbox, type Entry, type Keep, type Ways } from "@/sync/outbox";

const entry = (key: string, conversation: number): Entry => ({
  key,
  conversation_id: conversation,
  kind: "message",
  body: { text: key },
  files: [],
  channel: null,
  at: `2026-01-01T00:00:0${key.slice(-1)}Z`,
  refused: null,
});

/** A server that answers as told, and remembers what it took. */
function server(answer: (entry: Entry) => void = () => undefined) {
  const taken: string[] = [];
  const ways: Ways = {
    send: async (item) => {
      answer(item);
      taken.push(item.key);
      return { client_key: item.key } as Message;
    },
    sent: () => undefined,
    exclusively: (work) => work(),
  };
  return { taken, ways };
}

async function settled(outbox: Outbox): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  await outbox.drain();
}

const refusal = new ApiError({
  status: 409,
  code: "opted_out",
  title: "Refused",
  detail: "This contact has opted out.",
});

describe("the outbox", () => {
  it("sends in order within a conversation", async () => {
    const { taken, ways } = server();
    const outbox = new Outbox(memoryKeep(), ways);
    await Promise.all(["a1", "a2", "a3"].map((key) => outbox.add(entry(key, 1))));
    await settled(outbox);
    expect(taken).toEqual(["a1", "a2", "a3"]);
    expect(outbox.snapshot()).toEqual([]);
  });

  it("lets a refusal hold back only its own conversation, with the server's sentence", async () => {
    const { taken, ways } = server((item) => {
      if (item.key === "a1") throw refusal;
    });
    const outbox = new Outbox(memoryKeep(), ways);
    await outbox.add(entry("a1", 1));
    await outbox.add(entry("a2", 1));
    await outbox.add(entry("b3", 2));
    await settled(outbox);
    expect(taken).toEqual(["b3"]);
    expect(outbox.snapshot().map((item) => [item.key, item.refused?.sentence])).toEqual([
      ["a1", "This contact has opted out."],
      ["a2", undefined],
    ]);
  });

  it("goes on after the refused one was discarded", async () => {
    const { taken, ways } = server((item) => {
      if (item.key === "a1") throw refusal;
    });
    const outbox = new Outbox(memoryKeep(), ways);
    await outbox.add(entry("a1", 1));
    await outbox.add(entry("a2", 1));
    await settled(outbox);
    await outbox.discard("a1");
    await settled(outbox);
    expect(taken).toEqual(["a2"]);
  });

  it("keeps what could not be delivered, and sends it with the same key later", async () => {
    let reachable = false;
    const { taken, ways } = server(() => {
      if (!reachable) throw new Unreachable("gone");
    });
    const keep = memoryKeep();
    const outbox = new Outbox(keep, ways);
    await outbox.add(entry("a1", 1));
    await settled(outbox);
    expect((await keep.all()).map((item) => item.key)).toEqual(["a1"]);
    reachable = true;
    await outbox.drain();
    expect(taken).toEqual(["a1"]);
    expect(await keep.all()).toEqual([]);
  });

  it("does not take a broken server for a refusal", async () => {
    const { ways } = server(() => {
      throw new ApiError({ status: 503, code: "busy", title: "Busy", detail: "" });
    });
    const outbox = new Outbox(memoryKeep(), ways);
    await outbox.add(entry("a1", 1));
    await settled(outbox);
    expect(outbox.snapshot()[0]?.refused).toBeNull();
  });

  it.each([
    [409, "still_running"],
    [409, "try_again"],
    [408, "error"],
    [425, "error"],
    [429, "too_many"],
  ])("tries again after %i %s, with the same key and in order", async (status, code) => {
    let refusing = true;
    const asked: string[] = [];
    const { taken, ways } = server((item) => {
      asked.push(item.key);
      if (refusing) throw new ApiError({ status, code, title: "Not now", detail: "Not now." });
    });
    const outbox = new Outbox(memoryKeep(), ways);
    await outbox.add(entry("a1", 1));
    await outbox.add(entry("a2", 1));
    await settled(outbox);
    expect(outbox.snapshot().map((item) => [item.key, item.refused])).toEqual([
      ["a1", null],
      ["a2", null],
    ]);
    expect(new Set(asked)).toEqual(new Set(["a1"]));
    refusing = false;
    await outbox.drain();
    expect(taken).toEqual(["a1", "a2"]);
  });

  it.each(["gone", "idempotency_key_reused"])("takes 409 %s for a refusal", async (code) => {
    const { ways } = server(() => {
      throw new ApiError({ status: 409, code, title: "Refused", detail: "" });
    });
    const outbox = new Outbox(memoryKeep(), ways);
    await outbox.add(entry("a1", 1));
    await settled(outbox);
    expect(outbox.snapshot()[0]?.refused?.code).toBe(code);
  });

  it("takes up what an earlier tab left, oldest first", async () => {
    const keep: Keep = memoryKeep();
    await keep.put(entry("a2", 1));
    await keep.put(entry("a1", 1));
    const { taken, ways } = server();
    const outbox = new Outbox(keep, ways);
    await outbox.open();
    await settled(outbox);
    expect(taken).toEqual(["a1", "a2"]);
  });
});
