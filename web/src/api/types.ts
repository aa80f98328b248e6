// The wire shapes of the HTTP API, as this app uses them.

export type Id = number;
/** RFC 3339 in UTC, ending in Z. */
export type Time = string;

export type Role = "owner" | "admin" | "user";
export type Audience = "contact" | "team";
export type Status = "open" | "snoozed" | "closed";
export type View = "unread" | "mine" | "unassigned" | "starred" | "all" | "snoozed" | "closed";
export type Joining = "contact" | "contact_inbox";

export interface Preferences {
  theme?: "system" | "light" | "dark";
  single_keys?: boolean;
  enter_sends?: boolean;
  after_done?: "next" | "list";
}
export interface User {
  id: Id;
  name: string;
  email: string;
  role: Role;
  active: boolean;
  only_assigned: boolean;
  preferences?: Preferences | null;
}
export interface Workspace {
  id: Id;
  name: string;
  timezone: string;
  locale: string;
  settings: { joining: Joining; reopen_days: number };
}
export interface Me {
  user: User;
  workspace: Workspace;
  csrf: string;
  cursor: number;
  permissions: string[];
}
export interface Session {
  id: Id;
  created_at: Time;
  last_seen_at?: Time | null;
  user_agent?: string | null;
  current?: boolean;
}
export interface Team {
  id: Id;
  name: string;
  member_ids: Id[];
}
export interface Label {
  id: Id;
  name: string;
  colour: string;
}
export type Tag = Label;
export interface Token {
  id: Id;
  name: string;
  prefix: string;
  scopes: string[];
  created_at: Time;
  last_used_at: Time | null;
  expires_at: Time | null;
  token?: string | null;
}
export interface AuditEntry {
  id: Id;
  at: Time;
  kind: string;
  actor_id: Id | null;
  facts: Record<string, unknown>;
}

export type SettingKind = "text" | "secret" | "number" | "bool" | "choice" | "list" | "textarea" | "json";
export interface Setting {
  name: string;
  label: string;
  kind: SettingKind;
  required: boolean;
  default: unknown;
  choices: [string, string][];
  help: string;
  when: [string, string[]] | null;
  advanced: boolean;
}
export interface Capabilities {
  max_chars: number | null;
  html: boolean;
  subject: boolean;
  copies: boolean;
  segments: boolean;
  attachments: boolean;
  attachment_types: string[];
  max_attachment_bytes: number;
  max_attachments: number;
  may_start: boolean;
  reply_window_seconds: number | null;
  needs_template_outside_window: boolean;
  receipts: string[];
  typing: boolean;
  opt_out_keywords: boolean;
  address_kinds: string[];
}
export interface Channel {
  name: string;
  title: string;
  description: string;
  colour: string;
  icon: string;
  can: Capabilities;
  settings: Setting[];
}
export type HealthState = "ok" | "attention" | "waiting" | "off";
export interface Inbox {
  id: Id;
  channel: string;
  name: string;
  address: string | null;
  settings: Record<string, unknown>;
  secrets: Record<string, boolean>;
  enabled: boolean;
  hook_url: string;
  public_key: string;
  rate_per_minute: number | null;
  health: {
    state: HealthState;
    note: string | null;
    last_inbound_at: Time | null;
    last_outbound_at: Time | null;
    changed_at: Time | null;
  };
  created_at: Time;
}

export interface Point {
  id: Id;
  kind: string;
  value: string;
  display: string;
  scope: string;
  verified: boolean;
  primary: boolean;
  opt_out: { at: Time; reason: string; source: string } | null;
  created_at: Time;
}
export interface Contact {
  id: Id;
  name: string;
  points: Point[];
  tags: Id[];
  note: string;
  timezone: string | null;
  locale: string | null;
  created_at: Time;
  rev: number;
}
export interface Named {
  id: Id;
  name: string;
}
export interface Suggestion {
  id: Id;
  contact: Named;
  other: Named;
  reason: string;
}

export interface Mine {
  read_count: number;
  starred: boolean;
  draft: string | null;
}
export interface Last {
  message_id: Id;
  preview: string;
  direction: "in" | "out" | "activity";
  audience: Audience;
  channel: string | null;
  inbox_id: Id | null;
  author_name: string | null;
  at: Time;
}
export interface Conversation {
  id: Id;
  contact: Named;
  subject: string | null;
  status: Status;
  assignee_id: Id | null;
  team_id: Id | null;
  labels: Id[];
  snoozed_until: Time | null;
  waiting_since: Time | null;
  last: Last | null;
  inbox_ids: Id[];
  channels: string[];
  inbound_count: number;
  message_count: number;
  scheduled_count: number;
  failed_count: number;
  rev: number;
  created_at: Time;
  my?: Mine | null;
}
export type Counts = Record<"unread" | "mine" | "unassigned" | "starred" | "all", number>;

export interface WhyNot {
  code: string;
  sentence: string;
}
export interface Route {
  inbox_id: Id;
  inbox_name: string;
  channel: string;
  from: string | null;
  point: { id: Id; kind: string; value: string; display: string };
  why_not: WhyNot | null;
  window_expires_at: Time | null;
  default: boolean;
}

export type DeliveryState =
  | "queued"
  | "sending"
  | "accepted"
  | "sent"
  | "delivered"
  | "read"
  | "failed"
  | "uncertain"
  | "held"
  | "cancelled";
export interface Delivery {
  state: DeliveryState;
  due_at: Time | null;
  code: string | null;
  reason: string | null;
  at: Time | null;
}
export interface DeliveryStep {
  state: DeliveryState;
  at: Time;
  code: string | null;
  reason: string | null;
  source: string | null;
}
export interface StoredFile {
  id: Id;
  name: string;
  content_type: string;
  size: number;
  url: string | null;
  inline?: boolean;
  content_id?: string | null;
  state?: "ready" | "fetching" | "failed";
}
export interface EmailHeaders {
  from: string | null;
  to: string[];
  cc: string[];
  bcc: string[];
  reply_to: string | null;
}
export interface Activity {
  code: string;
  data: Record<string, unknown>;
}
export interface Message {
  id: Id;
  conversation_id: Id;
  direction: "in" | "out" | "activity";
  audience: Audience;
  inbox_id: Id | null;
  channel: string | null;
  point_id: Id | null;
  author: { kind: "user" | "contact" | "system"; id: Id | null; name: string | null };
  text: string;
  reply: string | null;
  has_html: boolean;
  subject: string | null;
  email: EmailHeaders | null;
  files: StoredFile[];
  delivery: Delivery | null;
  activity: Activity | null;
  mentions: Id[];
  segments: number | null;
  client_key: string | null;
  automatic: boolean;
  at: Time;
  rev: number;
}
export type ScheduledMessage = Message & { conversation: { id: Id; contact: Named } };

export interface MessageIn {
  text: string;
  html?: string;
  inbox_id?: Id;
  point_id?: Id;
  subject?: string;
  cc?: string[];
  bcc?: string[];
  files?: Id[];
  due_at?: Time;
  answers?: Id;
}
export interface CommentIn {
  text: string;
  mentions?: Id[];
  files?: Id[];
}
export interface DraftBody {
  text: string;
  html?: string;
  subject?: string;
  cc?: string[];
  bcc?: string[];
  inbox_id?: Id;
  point_id?: Id;
}
export type DraftMode = "reply" | "comment";
export interface Draft {
  mode: DraftMode;
  body: DraftBody;
}

export interface SetAside {
  id: Id;
  inbox_id: Id | null;
  received_at: Time;
  attempts: number;
  error: string;
  preview: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** One fact of the event log, with the entities as they were when it was delivered. */
export interface LiveEvent {
  seq: number;
  kind: string;
  at: Time;
  actor_id?: Id | null;
  conversation_id?: Id | null;
  message_id?: Id | null;
  contact_id?: Id | null;
  facts?: Record<string, unknown>;
  conversation?: Conversation | null;
  message?: Message | null;
  contact?: Contact | null;
  inbox?: Inbox | null;
  label?: Label | null;
  tag?: Tag | null;
  user?: User | null;
  team?: Team | null;
}
/** Worth showing now, never stored. */
export interface Whisper {
  kind: "typing" | "seen" | "viewing";
  conversation_id: Id;
  user_id: Id | null;
  contact: boolean;
  on: boolean;
}

export interface Problem {
  title: string;
  status: number;
  code: string;
  detail: string;
  fields?: Record<string, string>;
}
