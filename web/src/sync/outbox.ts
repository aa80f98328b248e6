// What this person has written and the server has not confirmed yet. Kept in IndexedDB, so that a closed tab or a dead
// network loses nothing; sent in order within each conversation; the client key makes a repeated POST harmless.
import { ApiError, sentence } from "@/api/http";
import type { CommentIn, Id, Message, MessageIn, StoredFile } from "@/api/types";

export interface Entry {
  key: string;
  conversation_id: Id;
  kind: "message" | "comment";
  body: MessageIn | CommentIn;
  /** For showing it before the server knows it. */
  files: StoredFile[];
  channel: string | null;
  at: string;
  /** The server's refusal: nothing behind it in this conversation is sent until a person decides. */
  refused: { code: string; sentence: string } | null;
}

/** Where entries survive. */
export interface Keep {
  all(): Promise<Entry[]>;
  put(entry: Entry): Promise<void>;
  remove(key: string): Promise<void>;
}

export interface Ways {
  send(entry: Entry): Promise<Message>;
  sent(entry: Entry, message: Message): void;
  /** One tab at a time may send. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

const LATER = [401, 408, 425, 429];
/** A 409 that is about this moment and not about the message: an earlier attempt still runs, or died and holds its key
 * for a while; somebody changed the same thing at the same time. */
const NOT_NOW = ["still_running", "try_again"];

/** Whether the same request will never be taken, however often it is sent. */
const final = (error: unknown): error is ApiError =>
  error instanceof ApiError &&
  error.status < 500 &&
  !LATER.includes(error.status) &&
  !(error.status === 409 && NOT_NOW.includes(error.code));

export class Outbox {
  private entries: readonly Entry[] = [];
  private readonly listeners = new Set<() => void>();
  private running = false;
  private pause = FIRST_PAUSE_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly keep: Keep,
    private readonly ways: Ways,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): readonly Entry[] => this.entries;

  async open(): Promise<void> {
    this.set((await this.keep.all()).sort((a, b) => a.at.localeCompare(b.at)));
    void this.drain();
  }

  async add(entry: Entry): Promise<void> {
    this.set([...this.entries, entry]);
    await this.keep.put(entry);
    void this.drain();
  }

  async retry(key: string): Promise<void> {
    await this.replace(key, (entry) => ({ ...entry, refused: null }));
    void this.drain();
  }

  async discard(key: string): Promise<void> {
    this.set(this.entries.filter((entry) => entry.key !== key));
    await this.keep.remove(key);
    void this.drain();
  }

  /** Sends whatever may be sent. Safe to call at any time. */
  async drain(): Promise<void> {
    if (this.running) return;
    this.running = true;
    clearTimeout(this.timer);
    try {
      await this.ways.exclusively(async () => {
        while (await this.round());
      });
    } finally {
      this.running = false;
    }
    if (this.entries.some((entry) => !entry.refused)) this.later();
  }

  /** The first entry of every conversation at once; true when something moved and there is more to do. */
  private async round(): Promise<boolean> {
    const heads = new Map<Id, Entry>();
    for (const entry of this.entries) if (!heads.has(entry.conversation_id)) heads.set(entry.conversation_id, entry);
    const ready = [...heads.values()].filter((entry) => !entry.refused);
    const moved = await Promise.all(ready.map((entry) => this.attempt(entry)));
    return moved.some(Boolean);
  }

  private async attempt(entry: Entry): Promise<boolean> {
    try {
      const message = await this.ways.send(entry);
      this.pause = FIRST_PAUSE_MS;
      this.ways.sent(entry, message);
      this.set(this.entries.filter((other) => other.key !== entry.key));
      await this.keep.remove(entry.key);
      return true;
    } catch (error) {
      if (!final(error)) return false;
      const refused = { code: error.code, sentence: sentence(error) };
      await this.replace(entry.key, (known) => ({ ...known, refused }));
      return false;
    }
  }

  private later(): void {
    this.timer = setTimeout(() => void this.drain(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }

  private async replace(key: string, change: (entry: Entry) => Entry): Promise<void> {
    const entry = this.entries.find((other) => other.key === key);
    if (!entry) return;
    const next = change(entry);
    this.set(this.entries.map((other) => (other.key === key ? next : other)));
    await this.keep.put(next);
  }

  private set(entries: readonly Entry[]): void {
    this.entries = entries;
    this.listeners.forEach((listener) => listener());
  }
}
