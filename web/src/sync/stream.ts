// The event stream: server-sent events read with fetch, so that one request carries the cookie and the resume point.
import { address } from "@/api/http";

export interface Frame {
  id: number | null;
  event: string;
  data: string;
}

/** Cuts a text stream into frames (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream). */
export class FrameParser {
  private buffer = "";

  push(text: string): Frame[] {
    this.buffer += text.replaceAll("\r\n", "\n");
    const frames: Frame[] = [];
    let end = this.buffer.indexOf("\n\n");
    while (end >= 0) {
      const frame = FrameParser.frame(this.buffer.slice(0, end));
      if (frame) frames.push(frame);
      this.buffer = this.buffer.slice(end + 2);
      end = this.buffer.indexOf("\n\n");
    }
    return frames;
  }

  private static frame(block: string): Frame | null {
    const frame: Frame = { id: null, event: "message", data: "" };
    const data: string[] = [];
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon === 0) continue; // a comment: the heartbeat
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "id") frame.id = Number(value);
      else if (name === "event") frame.event = value;
      else if (name === "data") data.push(value);
    }
    if (data.length === 0) return null;
    frame.data = data.join("\n");
    return frame;
  }
}

export type Connection = "connecting" | "live" | "lost";

export interface StreamOptions {
  after: () => number;
  onFrame: (frame: Frame) => void;
  onState: (state: Connection) => void;
  signal: AbortSignal;
}

/** Three missed heartbeats of 15 s: the line is dead even if the socket does not know it yet. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** Follows the stream until aborted, reconnecting with back-off and resuming after the last seen event. */
export async function follow(options: StreamOptions): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  while (!options.signal.aborted) {
    options.onState("connecting");
    try {
      await once(options, () => {
        pause = FIRST_PAUSE_MS;
      });
    } catch {
      // Whatever ended it, the next attempt resumes where this one stopped.
    }
    if (options.signal.aborted) return;
    options.onState("lost");
    await sleep(pause * (0.75 + Math.random() / 2), options.signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

async function once(options: StreamOptions, opened: () => void): Promise<void> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  options.signal.addEventListener("abort", stop);
  let watchdog = setTimeout(stop, SILENCE_MS);
  try {
    const response = await fetch(address("/events", { after: options.after() }), {
      headers: { Accept: "text/event-stream", "Last-Event-ID": String(options.after()) },
      credentials: "same-origin",
      signal: abort.signal,
    });
    if (!response.ok || !response.body) throw new Error(`stream answered ${response.status}`);
    options.onState("live");
    const parser = new FrameParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      opened();
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, SILENCE_MS);
      for (const frame of parser.push(value)) options.onFrame(frame);
    }
  } finally {
    clearTimeout(watchdog);
    options.signal.removeEventListener("abort", stop);
    abort.abort();
  }
}

/** Waits, but no longer than until the network or the person comes back. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      removeEventListener("online", wake);
      document.removeEventListener("visibilitychange", seen);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const seen = () => document.visibilityState === "visible" && wake();
    const timer = setTimeout(wake, ms);
    addEventListener("online", wake);
    document.addEventListener("visibilitychange", seen);
    signal.addEventListener("abort", wake);
  });
}
