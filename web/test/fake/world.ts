// The in-memory workspace behind the fake server: rows, and an event log written with every change.
import type { Contact, Conversation, Counts, LiveEvent, Message } from "../../src/api/types.ts";
import { activityOf, byActivity, byTime, inView, isWaiting, matches } from "../../src/sync/rules.ts";
import { blankMessage, CHANNELS, inboxes, iso, LABELS, TAGS, TEAMS, USERS } from "./data.ts";
import { seed } from "./seed.ts";

export class World {
  readonly me = 1;
  readonly channels = CHANNELS;
  readonly inboxes;
  readonly labels = structuredClone(LABELS);
  readonly tags = structuredClone(TAGS);
  readonly users = structuredClone(USERS);
  readonly teams = structuredClone(TEAMS);
  readonly workspace = {
    id: 1,
    name: "Harbour House",
    timezone: "Europe/London",
    locale: "en",
    settings: { joining: "contact" as const, reopen_days: 7 },
  };
  readonly contacts = new Map<number, Contact>();
  readonly conversations = new Map<number, Conversation>();
  readonly messages = new Map<number, Message>();
  readonly drafts = new Map<string, unknown>();
  readonly keys = new Map<string, unknown>();
  readonly log: { event: string; data: LiveEvent }[] = [];
  readonly listeners = new Set<(frame: string) => void>();
  seq = 100;
  private nextId = 100_000;
  private clock: number;

  constructor(options: { now?: number; count?: number; long?: number } = {}) {
    this.clock = options.now ?? Date.now();
    this.inboxes = inboxes(this.clock);
    const start = seed(this.clock, options.count ?? 120, options.long ?? 140);
    for (const row of start.contacts) this.contacts.set(row.id, row);
    for (const row of start.conversations) this.conversations.set(row.id, row);
    for (const row of start.messages) this.messages.set(row.id, row);
    for (const row of this.conversations.values()) this.refreshLast(row);
  }

  id = (): number => (this.nextId += 1);
  now = (): string => iso((this.clock = Math.max(this.clock + 1, Date.now())));

  emit(kind: string, part: Partial<LiveEvent>): void {
    this.seq += 1;
    const { conversation, ...rest } = part;
    const shown = conversation ? { conversation: { ...conversation, my: undefined } } : {};
    const data = structuredClone({ seq: this.seq, kind, at: this.now(), facts: {}, ...rest, ...shown }) as LiveEvent;
    this.log.push({ event: kind, data });
    this.shout(`id: ${this.seq}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  whisper(data: object): void {
    this.shout(`event: whisper\ndata: ${JSON.stringify(data)}\n\n`);
  }

  private shout(frame: string): void {
    for (const listener of this.listeners) listener(frame);
  }

  list(filter: Parameters<typeof matches>[1]): Conversation[] {
    const q = filter.q?.toLowerCase();
    return [...this.conversations.values()]
      .filter((row) => matches(row, filter, this.me))
      .filter((row) => !q || row.contact.name.toLowerCase().includes(q) || row.last?.preview.toLowerCase().includes(q))
      .sort(byActivity);
  }

  counts(): Counts {
    const of = (view: keyof Counts) =>
      [...this.conversations.values()].filter((row) => inView(row, view, this.me)).length;
    return {
      unread: of("unread"),
      mine: of("mine"),
      unassigned: of("unassigned"),
      starred: of("starred"),
      all: of("all"),
    };
  }

  thread(conversation: number): Message[] {
    return [...this.messages.values()].filter((row) => row.conversation_id === conversation).sort(byTime);
  }

  change(id: number, part: Partial<Conversation>): Conversation {
    const row = this.conversations.get(id) as Conversation;
    const next = { ...row, ...part, rev: row.rev + 1 };
    this.conversations.set(id, next);
    return next;
  }

  my(id: number, part: Partial<NonNullable<Conversation["my"]>>): void {
    const row = this.conversations.get(id) as Conversation;
    const my = { read_count: 0, starred: false, draft: null, ...row.my, ...part };
    this.conversations.set(id, { ...row, my });
    this.emit("ReadStateChanged", { facts: { conversation_id: id, read_count: my.read_count, starred: my.starred } });
  }

  receive(conversation: number, text: string): Message {
    const row = this.conversations.get(conversation) as Conversation;
    const message: Message = {
      ...blankMessage(this.id(), conversation, 0),
      at: this.now(),
      inbox_id: row.inbox_ids[0] ?? null,
      channel: row.channels[0] ?? null,
      author: { kind: "contact", id: row.contact.id, name: row.contact.name },
      text,
    };
    this.messages.set(message.id, message);
    this.change(conversation, {
      inbound_count: row.inbound_count + 1,
      status: "open",
      waiting_since: row.waiting_since ?? message.at,
    });
    this.emit("MessageReceived", {
      conversation_id: conversation,
      message,
      conversation: this.refreshLast(this.conversations.get(conversation)!),
    });
    return message;
  }

  add(message: Message, kind: string): Message {
    this.messages.set(message.id, message);
    const row = this.change(message.conversation_id, {
      waiting_since:
        message.audience === "contact"
          ? null
          : (this.conversations.get(message.conversation_id)?.waiting_since ?? null),
    });
    this.emit(kind, { conversation_id: row.id, message_id: message.id, message, conversation: this.refreshLast(row) });
    return message;
  }

  deliver(id: number, state: NonNullable<Message["delivery"]>["state"], reason: string | null = null): Message {
    const row = this.messages.get(id) as Message;
    const delivery = { due_at: null, code: null, ...row.delivery, state, reason, at: this.now() };
    const next: Message = { ...row, delivery, rev: row.rev + 1 };
    this.messages.set(id, next);
    const conversation = this.change(row.conversation_id, {});
    this.emit("DeliveryChanged", {
      conversation_id: row.conversation_id,
      message_id: id,
      message: next,
      conversation: this.refreshLast(conversation),
    });
    return next;
  }

  refreshLast(row: Conversation): Conversation {
    const all = this.thread(row.id);
    const scheduled = all.filter((message) => isWaiting(message)).length;
    const failed = all.filter((message) => message.delivery?.state === "failed").length;
    const last = all
      .filter(
        (message) => message.direction !== "activity" && !isWaiting(message) && message.delivery?.state !== "cancelled",
      )
      .at(-1);
    const next: Conversation = {
      ...row,
      scheduled_count: scheduled,
      failed_count: failed,
      inbound_count: all.filter((message) => message.direction === "in").length,
      message_count: all.length,
      channels: [...new Set(all.map((message) => message.channel).filter((name) => name !== null))],
      last: last
        ? {
            message_id: last.id,
            preview: last.reply ?? last.text,
            direction: last.direction,
            audience: last.audience,
            channel: last.channel,
            inbox_id: last.inbox_id,
            author_name: last.author.name,
            at: last.at,
          }
        : null,
    };
    this.conversations.set(row.id, next);
    return next;
  }

  static cursor<T extends { id: number }>(
    rows: T[],
    cursor: string | null,
    limit: number,
  ): { items: T[]; next: string | null } {
    const start = cursor ? rows.findIndex((row) => String(row.id) === cursor) + 1 : 0;
    const items = rows.slice(start, start + limit);
    return { items, next: start + limit < rows.length ? String(items.at(-1)?.id) : null };
  }

  static activity = activityOf;
}
