// The HTTP contract over an in-memory workspace, for developing and testing the screens without a backend. Never shipped.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Filter } from "../../src/api/conversations.ts";
import type { Conversation, Message, MessageIn } from "../../src/api/types.ts";
import { blankMessage, iso } from "./data.ts";
import { World } from "./world.ts";

type Body = Record<string, unknown>;
interface Call {
  world: World;
  method: string;
  path: string[];
  query: URLSearchParams;
  body: Body;
  key: string | null;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}

const ICONS: Record<string, string> = {
  livechat: "M4 5h16v11H9l-5 4z",
  email: "M3 5h18v14H3zm2 3 7 5 7-5-1-1-6 4-6-4z",
  sms: "M7 2h10v20H7zm2 3v12h6V5z",
};

export function createFakeServer(options: ConstructorParameters<typeof World>[0] & { signedIn?: boolean } = {}) {
  const world = new World(options);
  let signedIn = options.signedIn ?? true;
  let online = true;

  const me = () => ({ user: world.users[0], workspace: world.workspace, csrf: "csrf", cursor: world.seq, permissions: ["*"] });

  function answer(call: Call): unknown {
    const [head, id, verb, last] = call.path;
    const { method, body } = call;
    if (head === "setup") return { needed: false };
    if (head === "session") {
      if (method === "DELETE") signedIn = false;
      else if (body.password === "wrong") throw new Refusal(401, "wrong_credentials", "The email address or the password is wrong.");
      else signedIn = true;
      return method === "DELETE" ? undefined : me();
    }
    if (!signedIn) throw new Refusal(401, "signed_out", "Sign in first.");
    if (head === "me") {
      if (method === "PATCH") Object.assign(world.users[0] as object, body);
      return me();
    }
    if (head === "sessions") return { items: [{ id: 1, created_at: world.now(), seen_at: world.now(), agent: "Firefox on Linux", ip: null, current: true }], next: null };
    if (head === "workspace") return Object.assign(world.workspace, body);
    if (head === "channels") return world.channels;
    if (head === "conversations") return conversations(call, id, verb, last);
    if (head === "messages") return messages(call, Number(id), verb);
    if (head === "contacts") return contacts(call, id, verb, last);
    if (head === "suggestions") {
      const contact = Number(call.query.get("contact_id"));
      return method === "GET" && contact === 1 ? [{ id: 1, contact: { id: 1, name: "George Khan" }, other: { id: 9, name: "Jonas Lindqvist" }, reason: "Both wrote from the same address." }] : [];
    }
    if (head === "scheduled") {
      const rows = [...world.messages.values()].filter((row) => row.delivery?.state === "queued" && row.delivery.due_at);
      return { items: rows.map((row) => ({ ...row, conversation: { id: row.conversation_id, contact: world.conversations.get(row.conversation_id)?.contact } })), next: null };
    }
    if (head === "files") return { id: world.id(), name: call.query.get("name"), content_type: "image/png", size: 1234, url: "/api/v1/files/1/room.png" };
    if (head === "audit") {
      const actions = ["signed_in", "inbox_changed", "label_made", "user_changed"];
      return { items: actions.map((action, n) => ({ id: n + 1, at: iso(Date.now() - n * 3_600_000), action, subject: null, ip: null, actor_id: (n % 2) + 1, detail: { name: "Reservations" } })), next: null };
    }
    if (head === "set-aside") return method === "GET" ? { items: [{ id: 1, inbox_id: 2, received_at: iso(Date.now() - 7_200_000), attempts: 3, error: "The message has no From line.", preview: "Subject: (none)" }], next: null } : undefined;
    if (head === "tokens") return method === "GET" ? { items: [{ id: 1, name: "Website form", prefix: "fd_9x2k", scopes: ["write"], created_at: world.now(), last_used_at: null, expires_at: null }], next: null } : { id: 2, name: body.name, prefix: "fd_7Qpa", scopes: [], created_at: world.now(), last_used_at: null, expires_at: null, token: "fd_7Qpa_example" };
    const tables = { labels: world.labels, tags: world.tags, users: world.users, teams: world.teams, inboxes: world.inboxes } as const;
    const table = tables[head as keyof typeof tables] as { id: number }[] | undefined;
    if (table && call.method === "GET") return { items: table, next: null };
    if (table) return collection(call, table, id, verb);
    throw new Refusal(404, "not_found", "There is nothing here.");
  }

  function collection(call: Call, table: { id: number }[], id: string | undefined, verb: string | undefined): unknown {
    if (verb === "test") return { ok: true, message: "Signed in and found 214 messages." };
    if (verb === "test-message") return blankMessage(world.id(), 1, Date.now());
    if (call.method === "POST") {
      const row = { id: world.id(), hook_url: "http://localhost/hooks/new", public_key: "new", enabled: true, secrets: {}, address: null, active: true, health: { state: "waiting", note: "Waiting for the first message." }, ...call.body };
      table.push(row);
      return row;
    }
    const index = table.findIndex((row) => row.id === Number(id));
    if (call.method === "DELETE") return void table.splice(index, 1);
    return Object.assign(table[index] as object, call.body);
  }

  function conversations(call: Call, id: string | undefined, verb: string | undefined, last: string | undefined): unknown {
    const { method, body, query } = call;
    if (!id && method === "GET") {
      const number = (name: string) => (query.get(name) ? Number(query.get(name)) : undefined);
      const filter: Filter = {
        view: (query.get("view") ?? "all") as Filter["view"],
        channel: query.get("channel") ?? undefined,
        inbox_id: number("inbox_id"),
        assignee_id: number("assignee_id"),
        label_id: number("label_id"),
        q: query.get("q") ?? undefined,
      };
      return World.cursor(world.list(filter), query.get("cursor"), Number(query.get("limit") ?? 50));
    }
    if (id === "counts") return world.counts();
    if (!id) return openNew(call);
    const row = world.conversations.get(Number(id));
    if (!row) throw new Refusal(404, "not_found", "This conversation does not exist.");
    const changed = (part: Partial<Conversation>) => {
      const next = world.change(row.id, part);
      world.emit("ConversationChanged", { conversation_id: row.id, conversation: next });
      return next;
    };
    if (!verb) return method === "GET" ? row : changed(body);
    if (verb === "read") return world.my(row.id, { read_count: row.inbound_count });
    if (verb === "unread") return world.my(row.id, { read_count: Math.max(0, row.inbound_count - 1) });
    if (verb === "star") return world.my(row.id, { starred: method === "PUT" });
    if (verb === "labels") return void changed({ labels: [...row.labels.filter((label) => label !== Number(last)), ...(method === "PUT" ? [Number(last)] : [])] });
    if (verb === "typing") return undefined;
    if (verb === "draft") {
      if (method === "PUT") world.drafts.set(`${id}:${String(body.mode)}`, body);
      return ["reply", "comment"].map((mode) => world.drafts.get(`${id}:${mode}`)).filter(Boolean);
    }
    if (verb === "routes") return routes(row);
    if (verb === "comments") return write(call, row, true);
    if (verb === "messages" && method === "POST") return write(call, row, false);
    const page = World.cursor(world.thread(row.id).reverse(), query.get("before"), Number(query.get("limit") ?? 50));
    return { items: page.items.reverse(), next: page.next };
  }

  function routes(row: Conversation) {
    const points = world.contacts.get(row.contact.id)?.points ?? [];
    const used = world.inboxes.find((inbox) => inbox.id === row.last?.inbox_id);
    return world.inboxes.map((inbox) => {
      const kinds = world.channels.find((channel) => channel.name === inbox.channel)?.can.address_kinds ?? [];
      const point = points.find((known) => kinds.includes(known.kind)) ?? points[0];
      return {
        inbox_id: inbox.id,
        inbox_name: inbox.name,
        channel: inbox.channel,
        from: inbox.address,
        point: point && { id: point.id, kind: point.kind, value: point.value, display: point.display },
        why_not: kinds[0] === "visitor" && row.last?.inbox_id !== inbox.id ? { code: "no_address", sentence: "This contact has never used this chat." } : null,
        window_expires_at: null,
        default: inbox.id === used?.id,
      };
    });
  }

  function write(call: Call, row: Conversation, team: boolean): Message {
    const known = call.key ? (world.keys.get(call.key) as Message | undefined) : undefined;
    if (known) return known;
    const body = { text: "", ...(call.body as MessageIn) };
    if (body.text.includes("refuse me")) throw new Refusal(409, "opted_out", "This contact has opted out of messages to this number.");
    const inbox = world.inboxes.find((one) => one.id === (body.inbox_id ?? row.last?.inbox_id)) ?? world.inboxes[2];
    const message: Message = {
      ...blankMessage(world.id(), row.id, 0),
      at: world.now(),
      direction: "out",
      audience: team ? "team" : "contact",
      author: { kind: "user", id: 1, name: "Dana Whitfield" },
      text: body.text,
      subject: body.subject ?? null,
      client_key: call.key,
      mentions: (call.body.mentions as number[] | undefined) ?? [],
      inbox_id: team ? null : (inbox?.id ?? null),
      channel: team ? null : (inbox?.channel ?? null),
      delivery: team ? null : { state: "queued", due_at: body.due_at ?? null, code: null, reason: null, at: null },
    };
    world.add(message, team ? "CommentAdded" : "MessageQueued");
    if (call.key) world.keys.set(call.key, message);
    if (!team && !body.due_at) {
      setTimeout(() => world.deliver(message.id, "sent"), 400);
      setTimeout(() => world.deliver(message.id, "delivered"), 1_200);
    }
    return message;
  }

  function openNew(call: Call): Conversation {
    const to = call.body.to as { kind: string; value: string; name?: string } | undefined;
    const contactId = (call.body.contact_id as number | undefined) ?? world.id();
    if (to) {
      const point = { id: world.id(), kind: to.kind, value: to.value, display: to.value, bad_since: null, scope: "", verified: false, primary: true, opt_out: null, created_at: world.now() };
      world.contacts.set(contactId, { id: contactId, name: to.name ?? to.value, points: [point], tags: [], note: "", timezone: null, locale: null, created_at: world.now(), rev: 1 });
    }
    const contact = { id: contactId, name: world.contacts.get(contactId)?.name ?? "" };
    const id = world.id();
    const row: Conversation = { ...(structuredClone([...world.conversations.values()][0]) as Conversation), id, contact, status: "open", labels: [], last: null, assignee_id: 1, inbox_ids: [call.body.inbox_id as number], channels: [], inbound_count: 0, message_count: 0, created_at: world.now(), rev: 1, my: { read_count: 0, starred: false, draft: null } };
    world.conversations.set(id, row);
    if (call.body.message) write({ ...call, body: call.body.message as Body }, row, false);
    world.emit("ConversationOpened", { conversation_id: id, conversation: world.conversations.get(id) });
    return world.conversations.get(id) as Conversation;
  }

  function messages(call: Call, id: number, verb: string | undefined): unknown {
    const row = world.messages.get(id);
    if (!row) throw new Refusal(404, "not_found", "This message does not exist.");
    if (!verb && call.method === "GET") return row;
    if (verb === "delivery") {
      const steps = ["queued", "sending", row.delivery?.state ?? "sent"];
      return steps.map((state, n) => ({ state, at: iso(Date.parse(row.at) + n * 900), code: n === 2 ? row.delivery?.code : null, reason: n === 2 ? row.delivery?.reason : null, source: n === 2 ? "provider" : "frontdesk" }));
    }
    if (verb === "cancel") return world.deliver(id, "cancelled");
    if (verb === "retry") return world.deliver(id, call.body.mark === "sent" ? "sent" : "queued");
    if (verb === "send-now") {
      world.messages.set(id, { ...row, delivery: { state: "queued", code: null, reason: null, at: null, due_at: null } });
      return world.deliver(id, "sent");
    }
    const next = { ...row, text: (call.body.text as string | undefined) ?? row.text, rev: row.rev + 1, delivery: row.delivery && { ...row.delivery, due_at: (call.body.due_at as string | undefined) ?? row.delivery.due_at } };
    world.messages.set(id, next);
    world.emit("MessageChanged", { conversation_id: row.conversation_id, message: next });
    return next;
  }

  function contacts(call: Call, id: string | undefined, verb: string | undefined, last: string | undefined): unknown {
    const { method, body } = call;
    if (!id && method === "GET") {
      const q = (call.query.get("q") ?? "").toLowerCase();
      const rows = [...world.contacts.values()].filter((row) => row.name.toLowerCase().includes(q) || row.points.some((point) => point.value.includes(q)));
      return World.cursor(rows, call.query.get("cursor"), Number(call.query.get("limit") ?? 50));
    }
    if (!id) {
      const points = (body.points as { kind: string; value: string }[]).map((point) => ({ ...point, id: world.id(), display: point.value, bad_since: null, scope: "", verified: false, primary: true, opt_out: null, created_at: world.now() }));
      const row = { id: world.id(), name: body.name as string, points, tags: [], note: "", timezone: null, locale: null, created_at: world.now(), rev: 1 };
      world.contacts.set(row.id, row);
      return row;
    }
    const row = world.contacts.get(Number(id));
    if (!row) throw new Refusal(404, "not_found", "This contact does not exist.");
    const changed = (part: object) => {
      const next = { ...row, ...part, rev: row.rev + 1 };
      world.contacts.set(row.id, next);
      world.emit("ContactChanged", { contact_id: row.id, contact: next });
      return next;
    };
    if (!verb) return method === "GET" ? row : method === "DELETE" ? void world.contacts.delete(row.id) : changed(body);
    if (verb === "conversations") return { items: world.list({ view: "all" }).filter((one) => one.contact.id === row.id), next: null };
    if (verb === "tags") return changed({ tags: [...row.tags.filter((tag) => tag !== Number(last)), ...(method === "PUT" ? [Number(last)] : [])] });
    if (verb === "points") {
      if (method === "POST") return changed({ points: [...row.points, { ...body, id: world.id(), display: body.value, bad_since: null, scope: "", verified: false, primary: false, opt_out: null, created_at: world.now() }] });
      if (method === "DELETE") return changed({ points: row.points.filter((point) => point.id !== Number(last)) });
      return changed({ points: row.points.map((point) => (point.id === Number(last) ? { ...point, opt_out: body.opted_out ? { at: world.now(), reason: body.reason, source: "user" } : null } : point)) });
    }
    return row;
  }

  async function handle(request: IncomingMessage, response: ServerResponse, next?: () => void): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (!url.pathname.startsWith("/api/v1/")) return next?.();
    if (!online) return void request.socket.destroy();
    const path = url.pathname.slice("/api/v1/".length).split("/");
    if (path[0] === "events") return stream(url, response);
    if (path[2] === "icon.svg") return send(response, 200, "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill-rule="evenodd" d="${ICONS[path[1] ?? ""]}"/></svg>`);
    if (path[2] === "html") return send(response, 200, "text/html", "<body style='font:14px sans-serif;margin:16px'><p>Here are the <b>photos</b> I mentioned.</p><table border=1 cellpadding=6><tr><td>Lamp</td><td>broken</td></tr></table></body>");
    if (path[2] === "source") return send(response, 200, "text/plain", "From: guest1@example.net\nSubject: Photos of the room\n\n…");
    if (path[0] === "files" && request.method === "GET") return send(response, 200, "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="420"><rect width="640" height="420" fill="#9db4ab"/><rect y="260" width="640" height="160" fill="#6b5b4b"/><rect x="390" y="60" width="170" height="140" fill="#dfeaf2"/><circle cx="140" cy="190" r="50" fill="#f2d58a"/></svg>`);
    try {
      const body = await read(request);
      const result = answer({ world, method: request.method ?? "GET", path, query: url.searchParams, body, key: (request.headers["idempotency-key"] as string | undefined) ?? null });
      if (result === undefined) send(response, 204, "application/json", "");
      else send(response, request.method === "POST" ? 201 : 200, "application/json", JSON.stringify(result));
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, "broken", String(error));
      send(response, refusal.status, "application/problem+json", JSON.stringify({ type: "about:blank", title: "Refused", status: refusal.status, code: refusal.code, detail: refusal.message }));
    }
  }

  function stream(url: URL, response: ServerResponse): void {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const after = Number(url.searchParams.get("after"));
    for (const { event, data } of world.log) if (data.seq > after) response.write(`id: ${data.seq}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    response.write(": here\n\n");
    const listener = (frame: string) => response.write(frame);
    world.listeners.add(listener);
    response.on("close", () => world.listeners.delete(listener));
  }

  return { world, handle, setOnline: (on: boolean) => (online = on) };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "Content-Type": type });
  response.end(body);
}

async function read(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (!String(request.headers["content-type"]).includes("json") || chunks.length === 0) return {} as Body;
  return JSON.parse(Buffer.concat(chunks).toString()) as Body;
}
