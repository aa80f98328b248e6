// A past for the invented business: contacts, conversations and messages of every kind.
import type { Contact, Conversation, Message } from "../../src/api/types.ts";
import { blankMessage, iso, USERS } from "./data.ts";

const HOUR = 3_600_000;

const NAMES = [
  "George Khan",
  "Priya Schmidt",
  "Tariq Tanaka",
  "Bilal Farouk",
  "Ximena Ruiz",
  "Diego Moreau",
  "Farah Patel",
  "Aoife Byrne",
  "Jonas Lindqvist",
  "Chiara Bianchi",
  "Noor Haddad",
  "Samuel Okafor",
  "Hannah Weiss",
  "Yuki Mori",
  "Lena Novak",
  "Omar Said",
  "Ingrid Dahl",
  "Pavel Dvořák",
  "Marguerite Anne-Sophie de Villeneuve-Castellane",
  "سارة المنصوري",
  "Kofi Mensah",
  "Ruth Abebe",
  "Ivan Petrov",
  "Grace Lee",
  "Tomás Silva",
  "Elif Kaya",
  "Anna Kowalska",
  "Ben Carter",
];
const TEXTS = [
  "Hi! Is the Saturday 10:30 slot still free? We are running ten minutes late, sorry about that.",
  "Could you send the invoice again? I cannot find it in my mail.",
  "Yes please",
  "Do you take card on site? I need to move my appointment to next Tuesday, any time after 3pm works for me.",
  "Thanks, see you then 🙌",
  "We would like a room with a view of the harbour, two adults and a dog, from the 12th to the 16th.",
  "Is breakfast included?",
  "The link https://example.org/booking/8842 does not open on my phone.",
];

export interface Seed {
  contacts: Contact[];
  conversations: Conversation[];
  messages: Message[];
}

/** `count` conversations; the first has `long` messages of every kind. */
export function seed(now: number, count: number, long: number): Seed {
  const contacts: Contact[] = [];
  const conversations: Conversation[] = [];
  const messages: Message[] = [];
  let next = 1;
  for (let n = 1; n <= count; n += 1) {
    const name =
      (NAMES[(n - 1) % NAMES.length] as string) + (n > NAMES.length ? ` ${Math.ceil(n / NAMES.length)}` : "");
    const inbox = n === 1 ? 3 : (n % 3) + 1;
    const channel = (["livechat", "email", "sms"] as const)[inbox - 1] as string;
    const last = now - (n - 1) * 7 * 60_000 - 40_000;
    contacts.push(contact(n, name, now));
    const total = n === 1 ? long : 2 + (n % 5);
    let inbound = 0;
    for (let i = 0; i < total; i += 1) {
      const out = n % 4 !== 2 ? i % 3 === 1 : i % 2 === 1;
      const at = last - (total - 1 - i) * 9 * 60_000;
      const message: Message = {
        ...blankMessage(next, n, at),
        direction: out ? "out" : "in",
        inbox_id: inbox,
        channel,
        point_id: n * 10 + (inbox === 2 ? 2 : 1),
        author: out
          ? { kind: "user", id: 1 + (i % 2), name: USERS[i % 2]?.name ?? "" }
          : { kind: "contact", id: n, name },
        text: TEXTS[(n + i) % TEXTS.length] as string,
        subject: inbox === 2 ? "Booking for the long weekend" : null,
        email:
          inbox === 2
            ? { from: "guest@example.net", to: ["stay@harbour.example"], cc: [], bcc: [], reply_to: null }
            : null,
        has_html: inbox === 2 && !out,
        delivery: out
          ? { state: i === 1 ? "delivered" : "sent", due_at: null, code: null, reason: null, at: iso(at) }
          : null,
      };
      if (inbox === 2 && !out) {
        message.reply = message.text;
        message.text +=
          "\n\nOn Tuesday Dana Whitfield wrote:\n> The room is free on these days.\n> Shall I book it for you?";
      }
      if (!out) inbound += 1;
      messages.push(message);
      next += 1;
    }
    const end = messages.at(-1) as Message;
    conversations.push({
      id: n,
      contact: { id: n, name },
      subject: inbox === 2 ? "Booking for the long weekend" : null,
      status: n % 11 === 0 ? "snoozed" : n % 13 === 0 ? "closed" : "open",
      assignee_id: n % 3 === 0 ? 1 : n % 4 === 0 ? 2 : null,
      team_id: null,
      labels: n % 5 === 0 ? [1, 2] : n % 3 === 1 ? [3] : [],
      snoozed_until: n % 11 === 0 ? iso(now + 20 * HOUR) : null,
      waiting_since: end.direction === "in" ? end.at : null,
      last: {
        message_id: end.id,
        preview: end.reply ?? end.text,
        direction: end.direction,
        audience: "contact",
        channel,
        inbox_id: inbox,
        author_name: end.author.name,
        at: end.at,
      },
      inbox_ids: [inbox],
      channels: [channel],
      inbound_count: inbound,
      message_count: total,
      scheduled_count: n === 1 || n === 4 ? 1 : 0,
      failed_count: n === 6 ? 1 : 0,
      rev: 1,
      created_at: iso(last - total * 9 * 60_000),
      my: {
        read_count: n % 4 === 2 || n === 1 ? Math.max(0, inbound - (n % 3) - 1) : inbound,
        starred: n % 6 === 1,
        draft: n === 8 ? "I will check with" : null,
      },
    });
  }
  return { contacts, conversations, messages: kinds(messages, now, next) };
}

function contact(n: number, name: string, now: number): Contact {
  const point = {
    bad_since: null,
    scope: "",
    verified: true,
    claimed: false,
    primary: true,
    opt_out: null,
    created_at: iso(now - 500 * HOUR),
  };
  return {
    id: n,
    name,
    points: [
      {
        ...point,
        id: n * 10 + 1,
        kind: "phone",
        value: `+4477009${String(10000 + n)}`,
        display: `+44 7700 9${String(10000 + n).replace(/(\d\d)(\d+)/, "$1 $2")}`,
      },
      {
        ...point,
        id: n * 10 + 2,
        kind: "email",
        value: `guest${n}@example.net`,
        display: `guest${n}@example.net`,
        verified: n % 2 === 0,
        claimed: false,
      },
    ],
    tags: n % 2 ? [1, 2] : [3],
    note: n === 1 ? "Prefers a ground-floor room. Arrives by train." : "",
    timezone: n % 3 === 1 ? "America/New_York" : null,
    locale: null,
    created_at: iso(now - 500 * HOUR),
    rev: 1,
  };
}

/** Adds one of each special kind to the first conversation. */
function kinds(messages: Message[], now: number, from: number): Message[] {
  const at = (minutes: number) => now - minutes * 60_000;
  const own = {
    direction: "out" as const,
    inbox_id: 3,
    channel: "sms",
    point_id: 11,
    author: { kind: "user" as const, id: 1, name: "Dana Whitfield" },
  };
  const mine = (id: number, minutes: number, part: Partial<Message>): Message => ({
    ...blankMessage(id, 1, at(minutes)),
    ...part,
  });
  const extra: Message[] = [
    mine(from, 70, {
      direction: "activity",
      author: { kind: "user", id: 2, name: "Luis Ortega" },
      activity: { code: "assigned", data: { assignee_id: 1, assignee_name: "Dana Whitfield" } },
    }),
    mine(from + 1, 60, {
      direction: "out",
      audience: "team",
      author: { kind: "user", id: 2, name: "Luis Ortega" },
      mentions: [1],
      text: "@Dana Whitfield she asked twice about parking, please mention the side entrance.",
    }),
    mine(from + 2, 50, {
      inbox_id: 2,
      channel: "email",
      point_id: 12,
      author: { kind: "contact", id: 1, name: "George Khan" },
      subject: "Photos of the room",
      has_html: true,
      text: "Here are the photos I mentioned. The lamp by the window does not work.\n\nGeorge\n\nOn Monday Dana Whitfield wrote:\n> Could you send us a picture?",
      reply: "Here are the photos I mentioned. The lamp by the window does not work.\n\nGeorge",
      email: {
        from: "guest1@example.net",
        to: ["stay@harbour.example"],
        cc: ["anna@example.net"],
        bcc: [],
        reply_to: null,
      },
      files: [
        {
          id: 1,
          name: "room.png",
          content_type: "image/png",
          size: 184_211,
          url: "/api/v1/files/1/room.png",
          inline: false,
          content_id: null,
          state: "ready",
        },
        {
          id: 2,
          name: "Terms of the stay (signed).pdf",
          content_type: "application/pdf",
          size: 92_114,
          url: "/api/v1/files/2/terms.pdf",
          inline: false,
          content_id: null,
          state: "ready",
        },
      ],
    }),
    mine(from + 3, 40, {
      ...own,
      text: "Thank you George, we will fix the lamp today.",
      delivery: { state: "read", due_at: null, code: null, reason: null, at: iso(at(39)) },
    }),
    mine(from + 4, 30, {
      ...own,
      text: "And the parking is behind the house, use the side entrance.",
      segments: 1,
      delivery: {
        state: "failed",
        due_at: null,
        code: "30005",
        reason: "The number does not exist or is switched off.",
        at: iso(at(29)),
      },
    }),
    mine(from + 5, 20, {
      ...own,
      text: "Your door code is 4471.",
      delivery: {
        state: "uncertain",
        due_at: null,
        code: null,
        reason: "The provider did not answer in time.",
        at: iso(at(19)),
      },
    }),
    mine(from + 6, 10, {
      inbox_id: 3,
      channel: "sms",
      point_id: 11,
      author: { kind: "contact", id: 1, name: "George Khan" },
      text: "Great service last week, left you a review: https://example.org/r/5512",
    }),
    mine(from + 7, 5, {
      ...own,
      text: "Friendly reminder: check-out is at 11:00 tomorrow.",
      delivery: { state: "queued", due_at: iso(now + 19 * HOUR), code: null, reason: null, at: null },
    }),
  ];
  return [...messages, ...extra];
}
