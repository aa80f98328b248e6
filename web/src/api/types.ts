// The wire shapes of the HTTP API: the generated ones, under the names this app uses, and narrower where the text of the
// API says more than its schema can.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Id = number;
/** RFC 3339 in UTC, ending in Z. */
export type Time = string;

export type Role = User["role"];
export type Audience = Message["audience"];
export type Status = Conversation["status"];
export type View = "unread" | "mine" | "unassigned" | "starred" | "all" | "snoozed" | "closed";
export type Joining = "contact" | "contact_inbox";

/** What a person has chosen for themselves; the server keeps it without looking inside. */
export interface Preferences {
  theme?: "system" | "light" | "dark";
  single_keys?: boolean;
  enter_sends?: boolean;
}
export type User = Omit<Schemas["User"], "preferences"> & { preferences?: Preferences };
export type Workspace = Schemas["Workspace"];
export type Me = Omit<Schemas["Me"], "user"> & { user: User };
export type Session = Schemas["Session"];
export type Team = Schemas["Team"];
export type Label = Schemas["Label"];
export type Tag = Schemas["Tag"];
export type Token = Schemas["Token"];
export type Alert = Schemas["Alert"];
export type DeliveryDetails = Omit<Schemas["DeliveryDetails"], "receipts"> & { receipts: DeliveryStep[] };
export type Health = Schemas["HealthReport"];
export type SetAsideDetails = Schemas["SetAsideDetails"];
export type SetAsideGroup = Schemas["SetAsideGroup"];
export type AuditEntry = Schemas["AuditEntry"];

export type Capabilities = Schemas["Can"];
export type Setting = Omit<Schemas["SettingOut"], "choices" | "when"> & {
  choices: [string, string][];
  when: [string, string[]] | null;
};
export type Channel = Omit<Schemas["ChannelOut"], "settings"> & { settings: Setting[] };
export type HealthState = Schemas["Health"]["state"];
export type Inbox = Schemas["InboxOut"];

export type Point = Schemas["Point"];
export type Contact = Schemas["ContactOut"];
export type Named = Schemas["Named"];
export type Suggestion = Schemas["SuggestionOut"];

export type Mine = Schemas["Mine"];
export type Last = Schemas["Last"];
export type Found = Schemas["Found"];
export type Conversation = Schemas["Conversation"];
export type Counts = Schemas["Counts"];
export type Route = Schemas["Route"];

export type DeliveryState =
  "queued" | "sending" | "accepted" | "sent" | "delivered" | "read" | "failed" | "uncertain" | "held" | "cancelled";
export type Delivery = Omit<Schemas["Delivery"], "state"> & { state: DeliveryState };
export type DeliveryStep = Omit<Schemas["Receipt"], "state"> & { state: DeliveryState };
/** A file of a message, or one that has just been uploaded. */
export type StoredFile = Omit<Schemas["FileRef"], "inline" | "content_id" | "state"> & Partial<Schemas["FileRef"]>;
export type Message = Omit<Schemas["Message"], "delivery"> & { delivery: Delivery | null };
export type ScheduledMessage = Message & Pick<Schemas["Scheduled"], "conversation">;

export type MessageIn = Schemas["MessageIn"];
export type CommentIn = Schemas["CommentIn"];
export type DraftMode = Schemas["Draft"]["mode"];
export interface DraftBody {
  text: string;
  html?: string;
  subject?: string;
  cc?: string[];
  bcc?: string[];
}
export interface Draft {
  mode: DraftMode;
  body: DraftBody;
}

export type SetAside = Schemas["SetAside"];

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** One fact of the event log, with the entities as they were when it was delivered. */
export type LiveEvent = Omit<Schemas["EventFrame"], "message" | "user"> & {
  message?: Message | null;
  user?: User | null;
};
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
