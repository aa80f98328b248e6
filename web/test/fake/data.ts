// A small invented business for screens and tests.
import type { Channel, Inbox, Label, Message, Tag, Team, User } from "../../src/api/types.ts";

const HOUR = 3_600_000;
export const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, (part) => part);

const icon = (name: string) => `/api/v1/channels/${name}/icon.svg`;
const can = {
  max_chars: null,
  html: false,
  subject: false,
  copies: false,
  segments: false,
  attachments: true,
  attachment_types: ["*/*"],
  max_attachment_bytes: 25 * 1024 * 1024,
  max_attachments: 10,
  may_start: true,
  reply_window_seconds: null,
  needs_template_outside_window: false,
  receipts: [] as string[],
  typing: false,
  opt_out_keywords: false,
  address_kinds: [] as string[],
};
const setting = {
  kind: "text" as const,
  required: false,
  default: "",
  choices: [],
  help: "",
  when: null,
  advanced: false,
};

export const CHANNELS: Channel[] = [
  {
    name: "livechat",
    title: "Live chat",
    description: "A chat on your own website. Works at once, nothing to sign up for.",
    colour: "#7c3aed",
    icon: icon("livechat"),
    can: { ...can, typing: true, may_start: false, receipts: ["sent", "read"], address_kinds: ["visitor"] },
    settings: [
      { ...setting, name: "title", label: "Title", default: "Chat with us", required: true },
      { ...setting, name: "greeting", label: "Greeting", kind: "textarea", default: "Hello! How can we help?" },
      {
        ...setting,
        name: "sites",
        label: "Allowed sites",
        kind: "list",
        help: "Addresses of the pages that may show the chat. Empty: all.",
      },
      { ...setting, name: "prechat", label: "Ask for name and email first", kind: "bool", default: false },
    ],
  },
  {
    name: "email",
    title: "Email",
    description: "A mailbox over IMAP and SMTP, or mail delivered straight to this server.",
    colour: "#4f46e5",
    icon: icon("email"),
    can: { ...can, html: true, subject: true, copies: true, address_kinds: ["email"] },
    settings: [
      { ...setting, name: "address", label: "Email address", required: true },
      {
        ...setting,
        name: "receive",
        label: "How mail arrives",
        kind: "choice",
        default: "imap",
        choices: [
          ["imap", "From a mailbox (IMAP)"],
          ["smtp", "Straight to this server (SMTP)"],
        ],
      },
      { ...setting, name: "imap_host", label: "IMAP server", required: true, when: ["receive", ["imap"]] },
      {
        ...setting,
        name: "imap_password",
        label: "Password",
        kind: "secret",
        required: true,
        when: ["receive", ["imap"]],
      },
      { ...setting, name: "smtp_host", label: "SMTP server", required: true },
      { ...setting, name: "signature", label: "Signature", kind: "textarea", advanced: true },
    ],
  },
  {
    name: "sms",
    title: "SMS",
    description: "A phone number at a provider, an SMPP connection or your own gateway.",
    colour: "#0d9488",
    icon: icon("sms"),
    can: {
      ...can,
      segments: true,
      max_chars: 1600,
      opt_out_keywords: true,
      receipts: ["sent", "delivered"],
      address_kinds: ["phone"],
    },
    settings: [
      {
        ...setting,
        name: "number",
        label: "Phone number",
        required: true,
        help: "With country code, such as +44 20 7946 0000.",
      },
      { ...setting, name: "token", label: "Auth token", kind: "secret", required: true },
    ],
  },
];

export const USERS: User[] = [
  {
    id: 1,
    name: "Dana Whitfield",
    email: "dana@example.org",
    role: "owner",
    active: true,
    only_assigned: false,
    preferences: {},
  },
  { id: 2, name: "Luis Ortega", email: "luis@example.org", role: "admin", active: true, only_assigned: false },
  { id: 3, name: "Mei Tanaka", email: "mei@example.org", role: "user", active: true, only_assigned: true },
];
export const TEAMS: Team[] = [{ id: 1, name: "Front office", member_ids: [1, 2] }];
export const LABELS: Label[] = [
  { id: 1, name: "Booking", colour: "#2563eb" },
  { id: 2, name: "Billing", colour: "#b45309" },
  { id: 3, name: "Urgent", colour: "#dc2626" },
];
export const TAGS: Tag[] = [
  { id: 1, name: "VIP", colour: "#9333ea" },
  { id: 2, name: "Returning", colour: "#0f766e" },
  { id: 3, name: "Newsletter", colour: "#475569" },
];

const health = (state: Inbox["health"]["state"], note: string, now: number): Inbox["health"] => ({
  state,
  note,
  last_inbound_at: iso(now - HOUR / 6),
  last_outbound_at: iso(now - HOUR / 3),
  changed_at: iso(now - 30 * HOUR),
});

export function inboxes(now: number): Inbox[] {
  const base = { rev: 1, enabled: true, rate_per_minute: null, created_at: iso(now - 900 * HOUR), secrets: {} };
  return [
    {
      ...base,
      id: 1,
      channel: "livechat",
      name: "Website chat",
      address: null,
      settings: { title: "Chat with us", greeting: "Hello! How can we help?", sites: [], prechat: false },
      hook_url: "http://localhost/hooks/k1",
      public_key: "k1",
      health: health("ok", "", now),
    },
    {
      ...base,
      id: 2,
      channel: "email",
      name: "Reservations",
      address: "stay@harbour.example",
      settings: {
        address: "stay@harbour.example",
        receive: "imap",
        imap_host: "mail.harbour.example",
        smtp_host: "mail.harbour.example",
        signature: "",
      },
      secrets: { imap_password: true },
      hook_url: "http://localhost/hooks/k2",
      public_key: "k2",
      health: health("attention", "The mail server refused the password on 3 attempts.", now),
    },
    {
      ...base,
      id: 3,
      channel: "sms",
      name: "Main number",
      address: "+44 20 7946 0100",
      settings: { number: "+442079460100" },
      secrets: { token: true },
      hook_url: "http://localhost/hooks/k3",
      public_key: "k3",
      health: health("ok", "", now),
    },
  ];
}

export function blankMessage(id: number, conversation: number, at: number): Message {
  return {
    id,
    conversation_id: conversation,
    direction: "in",
    audience: "contact",
    inbox_id: null,
    channel: null,
    point_id: null,
    author: { kind: "contact", id: null, name: "" },
    text: "",
    reply: null,
    has_html: false,
    subject: null,
    email: null,
    typed: [],
    files: [],
    delivery: null,
    activity: null,
    mentions: [],
    segments: null,
    client_key: null,
    automatic: false,
    at: iso(at),
    rev: id,
  };
}
