import type { Filter } from "@/api/conversations";
import type { Contact, Conversation, Counts, Found, Id, Inbox, Label, Me, Message, Tag, Team, User } from "@/api/types";

/** Everything live that this tab knows, by id. Rows are never changed in place: a change is a new object. */
export interface Tables {
  conversations: Conversation;
  messages: Message;
  contacts: Contact;
  inboxes: Inbox;
  labels: Label;
  tags: Tag;
  users: User;
  teams: Team;
}
export type Table = keyof Tables;

/**
 * The loaded part of one list of conversations, newest activity first. `next` leads to older ones; null = all loaded.
 * Of a search, `found` are the messages that say what was looked for.
 */
export interface List {
  filter: Filter;
  ids: readonly Id[];
  next: string | null;
  loaded: boolean;
  found: ReadonlyMap<Id, Found>;
}
/** The loaded part of one thread, oldest first. `next` leads to older messages; null = the beginning is loaded. */
export interface Thread {
  ids: readonly Id[];
  next: string | null;
}

export interface State {
  me: Me | null;
  rows: { [T in Table]: Map<Id, Tables[T]> };
  lists: Map<string, List>;
  threads: Map<Id, Thread>;
  counts: Counts | null;
}

export const emptyState = (): State => ({
  me: null,
  rows: {
    conversations: new Map(),
    messages: new Map(),
    contacts: new Map(),
    inboxes: new Map(),
    labels: new Map(),
    tags: new Map(),
    users: new Map(),
    teams: new Map(),
  },
  lists: new Map(),
  threads: new Map(),
  counts: null,
});
