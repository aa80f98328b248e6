// One stream per browser: the tab that holds the lock reads it and passes every frame on to the others.
import type { Connection, Frame } from "./stream";
import { follow } from "./stream";

type Note =
  | { kind: "frame"; frame: Frame }
  | { kind: "state"; state: Connection }
  | { kind: "hello"; after: number; from: string }
  | { kind: "missed"; to: string; frames: Frame[]; complete: boolean; state: Connection };

export interface Shared {
  after: () => number;
  onFrame: (frame: Frame) => void;
  onState: (state: Connection) => void;
  signal: AbortSignal;
}

const LOCK = "frontdesk-stream";
const KEPT = 500;

/** Follows the stream, alone or through the leading tab. Becomes the leader itself when that tab closes. */
export function share(options: Shared): void {
  const channel = new BroadcastChannel(LOCK);
  const self = crypto.randomUUID();
  let leading = false;
  let state: Connection = "connecting";
  let from = 0;
  const kept: Frame[] = [];
  const send = (note: Note) => channel.postMessage(note);

  channel.onmessage = ({ data: note }: MessageEvent<Note>) => {
    if (leading) {
      if (note.kind !== "hello") return;
      const reachesBack = note.after >= from;
      const frames = kept.filter((frame) => frame.id !== null && frame.id > note.after);
      send({ kind: "missed", to: note.from, frames, complete: reachesBack, state });
    } else if (note.kind === "frame") options.onFrame(note.frame);
    else if (note.kind === "state") options.onState(note.state);
    else if (note.kind === "missed" && note.to === self) {
      options.onState(note.state);
      if (note.complete) note.frames.forEach(options.onFrame);
      else options.onFrame({ id: null, event: "resync", data: "{}" });
    }
  };

  const lead = async () => {
    leading = true;
    from = options.after();
    await follow({
      after: options.after,
      signal: options.signal,
      onState: (next) => {
        state = next;
        options.onState(next);
        send({ kind: "state", state: next });
      },
      onFrame: (frame) => {
        if (frame.id !== null) {
          kept.push(frame);
          if (kept.length > KEPT) from = kept.shift()?.id ?? from;
        }
        options.onFrame(frame);
        send({ kind: "frame", frame });
      },
    });
  };

  send({ kind: "hello", after: options.after(), from: self });
  navigator.locks.request(LOCK, { signal: options.signal }, lead).catch(() => undefined);
  options.signal.addEventListener("abort", () => channel.close());
}
