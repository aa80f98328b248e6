import { describe, expect, it } from "vitest";
import { FrameParser } from "@/sync/stream";

describe("the parser of the event stream", () => {
  it("puts frames together however the bytes were cut", () => {
    const text = ': hello\n\nid: 7\nevent: MessageReceived\ndata: {"a":\ndata: 1}\n\nevent: whisper\ndata: {}\n\n';
    for (let size = 1; size < text.length; size += 1) {
      const parser = new FrameParser();
      const frames = [];
      for (let at = 0; at < text.length; at += size) frames.push(...parser.push(text.slice(at, at + size)));
      expect(frames).toEqual([
        { id: 7, event: "MessageReceived", data: '{"a":\n1}' },
        { id: null, event: "whisper", data: "{}" },
      ]);
    }
  });

  it("reads line ends of either kind", () => {
    expect(new FrameParser().push("id: 1\r\nevent: a\r\ndata: x\r\n\r\n")).toEqual([{ id: 1, event: "a", data: "x" }]);
  });

  it("ignores heartbeats and unfinished frames", () => {
    const parser = new FrameParser();
    expect(parser.push(": beat\n\nid: 1\ndata: x\n")).toEqual([]);
    expect(parser.push("\n")).toEqual([{ id: 1, event: "message", data: "x" }]);
  });
});
