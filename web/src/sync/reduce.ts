// The one place that knows what a live event means. Pure: it reads the state and says what to change.
import type { Conversation, Id, LiveEvent, Mine } from "@/api/types";
import type { State, Table, Tables } from "./state";

export type Put = { [T in Table]: { table: T; row: Tables[T] } }[Table];
export interface Outcome {
  puts: Put[];
  removes: { table: Table; id: Id }[];
  /** Conversations that an event speaks of and that only the server can complete (whether I have read them). */
  needs: Id[];
  /** Cold data that may be out of date: names of cached queries. */
  stale: Stale[];
  /** Too much moved for single rows: read the open lists and threads again. */
  reload: boolean;
}
export type Stale =
  "routes" | "scheduled" | "suggestions" | "contacts" | "contact-conversations" | "delivery" | "me" | "counts";

const ROW_TABLES = { inbox: "inboxes", label: "labels", tag: "tags", user: "users", team: "teams" } as const;
const DELETED: Record<string, Table> = {
  LabelDeleted: "labels",
  TagDeleted: "tags",
  InboxDeleted: "inboxes",
  TeamDeleted: "teams",
};

const STALE: Record<string, Stale[]> = {
  MessageReceived: ["routes"],
  MessageQueued: ["scheduled"],
  MessageChanged: ["scheduled"],
  DeliveryChanged: ["scheduled", "delivery"],
  ConversationOpened: ["contact-conversations"],
  ConversationChanged: ["contact-conversations"],
  ContactChanged: ["routes", "contacts"],
  ContactsMerged: ["contacts", "suggestions", "contact-conversations"],
  SuggestionMade: ["suggestions"],
  InboxChanged: ["routes"],
  InboxDeleted: ["routes"],
  WorkspaceChanged: ["me"],
};

export function reduce(state: State, event: LiveEvent): Outcome {
  const outcome: Outcome = { puts: [], removes: [], needs: [], stale: STALE[event.kind] ?? [], reload: false };
  if (event.kind === "ConversationHidden") {
    hide(outcome, Number(event.conversation_id));
    return outcome;
  }
  if (event.kind === "ReadStateChanged") readState(state, event, outcome);
  else if (event.conversation) conversation(state, event.conversation, outcome);
  if (event.message && fresher(state.rows.messages.get(event.message.id), event.message)) {
    outcome.puts.push({ table: "messages", row: event.message });
  }
  if (event.contact) contact(state, event, outcome);
  for (const [field, table] of Object.entries(ROW_TABLES)) {
    const row = event[field as keyof typeof ROW_TABLES];
    if (row) outcome.puts.push({ table, row } as Put);
  }
  const deleted = DELETED[event.kind];
  if (deleted) outcome.removes.push({ table: deleted, id: deletedId(event) });
  if (event.kind === "ContactChanged" && event.facts?.["deleted"]) erased(state, event, outcome);
  const changed = event.facts?.["changed"];
  // Merging moves messages without an event for each.
  if (event.kind === "ContactsMerged" || (Array.isArray(changed) && changed.includes("messages")))
    outcome.reload = true;
  return outcome;
}

/** Events may come twice, and answers may overtake them: a row is only replaced by one that is not older. */
const fresher = (known: { rev: number } | undefined, row: { rev: number }): boolean => !known || row.rev >= known.rev;

/** Puts a conversation in full, keeping what is personal: snapshots in events carry no `my`. */
export function merge(known: Conversation | undefined, row: Conversation): Conversation {
  const my: Mine | null | undefined = row.my ?? known?.my;
  return my === undefined ? row : { ...row, my };
}

function conversation(state: State, row: Conversation, outcome: Outcome): void {
  const known = state.rows.conversations.get(row.id);
  if (known) {
    if (fresher(known, row)) outcome.puts.push({ table: "conversations", row: merge(known, row) });
  } else outcome.needs.push(row.id);
}

/** It no longer concerns me: gone from every list, as if it had never been loaded. */
function hide(outcome: Outcome, id: Id): void {
  outcome.removes.push({ table: "conversations", id });
  outcome.stale = ["counts"];
}

/** A deleted contact takes their conversations along. */
function erased(state: State, event: LiveEvent, outcome: Outcome): void {
  const id = Number(event.contact_id);
  outcome.removes.push({ table: "contacts", id });
  for (const known of state.rows.conversations.values()) {
    if (known.contact.id === id) outcome.removes.push({ table: "conversations", id: known.id });
  }
  outcome.stale = ["contacts", "counts"];
}

function readState(state: State, event: LiveEvent, outcome: Outcome): void {
  const facts = event.facts ?? {};
  const id = Number(facts["conversation_id"] ?? event.conversation_id);
  const known = state.rows.conversations.get(id);
  if (!known) {
    outcome.stale = ["counts"];
    return;
  }
  const my: Mine = {
    read_count: Number(facts["read_count"] ?? known.my?.read_count ?? 0),
    starred: Boolean(facts["starred"] ?? known.my?.starred ?? false),
    draft: known.my?.draft ?? null,
  };
  outcome.puts.push({ table: "conversations", row: { ...known, my } });
}

/** A renamed contact is also written on each of its conversations. */
function contact(state: State, event: LiveEvent, outcome: Outcome): void {
  const row = event.contact;
  if (!row || !fresher(state.rows.contacts.get(row.id), row)) return;
  outcome.puts.push({ table: "contacts", row });
  for (const known of state.rows.conversations.values()) {
    if (known.contact.id !== row.id || known.contact.name === row.name) continue;
    if (outcome.puts.some((put) => put.table === "conversations" && put.row.id === known.id)) continue;
    outcome.puts.push({ table: "conversations", row: { ...known, contact: { id: row.id, name: row.name } } });
  }
}

function deletedId(event: LiveEvent): Id {
  const facts = event.facts ?? {};
  return Number(facts["id"] ?? facts["label_id"] ?? facts["tag_id"] ?? facts["inbox_id"] ?? facts["team_id"]);
}
