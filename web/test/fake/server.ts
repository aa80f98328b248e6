// The HTTP contract over an in-memory workspace, for developing and testing the screens without a backend. Never shipped.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Refusal, type Body, type Call } from "./call.ts";
import { collection } from "./collection.ts";
import { contacts } from "./contacts.ts";
import { conversations, messages } from "./conversations.ts";
import { iso } from "./data.ts";
import { World } from "./world.ts";

const PERMISSIONS = [
  "conversations",
  "contacts",
  "labels",
  "tags",
  "inboxes",
  "people",
  "workspace",
  "audit",
  "set_aside",
].flatMap((what) => [`${what}:read`, `${what}:write`]);

const ICONS: Record<string, string> = {
  livechat: "M4 5h16v11H9l-5 4z",
  email: "M3 5h18v14H3zm2 3 7 5 7-5-1-1-6 4-6-4z",
  sms: "M7 2h10v20H7zm2 3v12h6V5z",
};

export function createFakeServer(options: ConstructorParameters<typeof World>[0] & { signedIn?: boolean } = {}) {
  const world = new World(options);
  let signedIn = options.signedIn ?? true;
  let online = true;

  const me = () => ({
    user: world.users[0],
    workspace: world.workspace,
    csrf: "csrf",
    cursor: world.seq,
    permissions: PERMISSIONS,
  });

  function answer(call: Call): unknown {
    const [head, id, verb, last] = call.path;
    const { method, body } = call;
    if (head === "setup") return { needed: false };
    if (head === "session") {
      if (method === "DELETE") signedIn = false;
      else if (body.password === "wrong")
        throw new Refusal(401, "wrong_credentials", "The email address or the password is wrong.");
      else signedIn = true;
      return method === "DELETE" ? undefined : me();
    }
    if (!signedIn) throw new Refusal(401, "signed_out", "Sign in first.");
    if (head === "me") {
      if (method === "PATCH") Object.assign(world.users[0] as object, body);
      return me();
    }
    if (head === "sessions")
      return {
        items: [
          { id: 1, created_at: world.now(), seen_at: world.now(), agent: "Firefox on Linux", ip: null, current: true },
        ],
        next: null,
      };
    if (head === "workspace") return Object.assign(world.workspace, body);
    if (head === "channels") return world.channels;
    if (head === "conversations") return conversations(call, id, verb, last);
    if (head === "messages") return messages(call, Number(id), verb);
    if (head === "contacts") return contacts(call, id, verb, last);
    if (head === "suggestions") {
      const contact = Number(call.query.get("contact_id"));
      return method === "GET" && contact === 1
        ? [
            {
              id: 1,
              contact: { id: 1, name: "George Khan" },
              other: { id: 9, name: "Jonas Lindqvist" },
              reason: "Both wrote from the same address.",
            },
          ]
        : [];
    }
    if (head === "scheduled") {
      const rows = [...world.messages.values()].filter(
        (row) => row.delivery?.state === "queued" && row.delivery.due_at,
      );
      return {
        items: rows.map((row) => ({
          ...row,
          conversation: { id: row.conversation_id, contact: world.conversations.get(row.conversation_id)?.contact },
        })),
        next: null,
      };
    }
    if (head === "files")
      return {
        id: world.id(),
        name: call.query.get("name"),
        content_type: "image/png",
        size: 1234,
        url: "/api/v1/files/1/room.png",
      };
    if (head === "audit") {
      const actions = ["signed_in", "inbox_changed", "label_made", "user_changed"];
      return {
        items: actions.map((action, n) => ({
          id: n + 1,
          at: iso(Date.now() - n * 3_600_000),
          action,
          subject: null,
          ip: null,
          actor_id: (n % 2) + 1,
          detail: { name: "Reservations" },
        })),
        next: null,
      };
    }
    if (head === "alerts") return { alerts: [], figures: [] };
    if (head === "set-aside" && id === "groups") return [{ channel: "email", reason: "ValueError", count: 1 }];
    if (head === "set-aside")
      return method === "GET"
        ? {
            items: [
              {
                id: 1,
                inbox_id: 2,
                received_at: iso(Date.now() - 7_200_000),
                attempts: 3,
                error: "The message has no From line.",
                preview: "Subject: (none)",
              },
            ],
            next: null,
          }
        : undefined;
    if (head === "tokens")
      return method === "GET"
        ? {
            items: [
              {
                id: 1,
                name: "Website form",
                prefix: "fd_9x2k",
                scopes: ["write"],
                created_at: world.now(),
                last_used_at: null,
                expires_at: null,
              },
            ],
            next: null,
          }
        : {
            id: 2,
            name: body.name,
            prefix: "fd_7Qpa",
            scopes: [],
            created_at: world.now(),
            last_used_at: null,
            expires_at: null,
            token: "fd_7Qpa_example",
          };
    const tables = {
      labels: world.labels,
      tags: world.tags,
      users: world.users,
      teams: world.teams,
      inboxes: world.inboxes,
    } as const;
    const table = tables[head as keyof typeof tables] as { id: number }[] | undefined;
    if (table && call.method === "GET") return { items: table, next: null };
    if (table) return collection(call, table, id, verb);
    throw new Refusal(404, "not_found", "There is nothing here.");
  }

  async function handle(request: IncomingMessage, response: ServerResponse, next?: () => void): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (!url.pathname.startsWith("/api/v1/")) return next?.();
    if (!online) return void request.socket.destroy();
    const path = url.pathname.slice("/api/v1/".length).split("/");
    if (path[0] === "events") return stream(url, response);
    if (path[2] === "icon.svg")
      return send(
        response,
        200,
        "image/svg+xml",
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill-rule="evenodd" d="${ICONS[path[1] ?? ""]}"/></svg>`,
      );
    if (path[2] === "html")
      return send(
        response,
        200,
        "text/html",
        "<body style='font:14px sans-serif;margin:16px'><p>Here are the <b>photos</b> I mentioned.</p><table border=1 cellpadding=6><tr><td>Lamp</td><td>broken</td></tr></table></body>",
      );
    if (path[2] === "source")
      return send(response, 200, "text/plain", "From: guest1@example.net\nSubject: Photos of the room\n\n…");
    if (path[0] === "files" && request.method === "GET")
      return send(
        response,
        200,
        "image/svg+xml",
        `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="420"><rect width="640" height="420" fill="#9db4ab"/><rect y="260" width="640" height="160" fill="#6b5b4b"/><rect x="390" y="60" width="170" height="140" fill="#dfeaf2"/><circle cx="140" cy="190" r="50" fill="#f2d58a"/></svg>`,
      );
    try {
      const body = await read(request);
      const result = answer({
        world,
        method: request.method ?? "GET",
        path,
        query: url.searchParams,
        body,
        key: (request.headers["idempotency-key"] as string | undefined) ?? null,
      });
      if (result === undefined) send(response, 204, "application/json", "");
      else send(response, request.method === "POST" ? 201 : 200, "application/json", JSON.stringify(result));
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, "broken", String(error));
      send(
        response,
        refusal.status,
        "application/problem+json",
        JSON.stringify({
          type: "about:blank",
          title: "Refused",
          status: refusal.status,
          code: refusal.code,
          detail: refusal.message,
        }),
      );
    }
  }

  function stream(url: URL, response: ServerResponse): void {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const after = Number(url.searchParams.get("after"));
    for (const { event, data } of world.log)
      if (data.seq > after) response.write(`id: ${data.seq}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
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
