import type { Filter } from "../../src/api/conversations.ts";
import type { Conversation, Message, MessageIn } from "../../src/api/types.ts";
import { Refusal, type Body, type Call } from "./call.ts";
import { blankMessage, iso } from "./data.ts";
import { World } from "./world.ts";

export function conversations(
  call: Call,
  id: string | undefined,
  verb: string | undefined,
  last: string | undefined,
): unknown {
  const { world } = call;
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
  if (verb === "labels")
    return void changed({
      labels: [...row.labels.filter((label) => label !== Number(last)), ...(method === "PUT" ? [Number(last)] : [])],
    });
  if (verb === "typing") return undefined;
  if (verb === "draft") {
    if (method === "PUT") world.drafts.set(`${id}:${String(body.mode)}`, body);
    return ["reply", "comment"].map((mode) => world.drafts.get(`${id}:${mode}`)).filter(Boolean);
  }
  if (verb === "routes") return routes(world, row);
  if (verb === "comments") return write(call, row, true);
  if (verb === "messages" && method === "POST") return write(call, row, false);
  const page = World.cursor(world.thread(row.id).reverse(), query.get("before"), Number(query.get("limit") ?? 50));
  return { items: page.items.reverse(), next: page.next };
}

function routes(world: World, row: Conversation) {
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
      why_not:
        kinds[0] === "visitor" && row.last?.inbox_id !== inbox.id
          ? { code: "no_address", sentence: "This contact has never used this chat." }
          : null,
      window_expires_at: null,
      default: inbox.id === used?.id,
    };
  });
}

function write(call: Call, row: Conversation, team: boolean): Message {
  const { world } = call;
  const known = call.key ? (world.keys.get(call.key) as Message | undefined) : undefined;
  if (known) return known;
  const body = { text: "", ...(call.body as MessageIn) };
  if (body.text.includes("refuse me"))
    throw new Refusal(409, "opted_out", "This contact has opted out of messages to this number.");
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
  const { world } = call;
  const to = call.body.to as { kind: string; value: string; name?: string } | undefined;
  const contactId = (call.body.contact_id as number | undefined) ?? world.id();
  if (to) {
    const point = {
      id: world.id(),
      kind: to.kind,
      value: to.value,
      display: to.value,
      bad_since: null,
      scope: "",
      verified: false,
      claimed: false,
      primary: true,
      opt_out: null,
      created_at: world.now(),
    };
    world.contacts.set(contactId, {
      id: contactId,
      name: to.name ?? to.value,
      points: [point],
      tags: [],
      note: "",
      timezone: null,
      locale: null,
      created_at: world.now(),
      rev: 1,
    });
  }
  const contact = { id: contactId, name: world.contacts.get(contactId)?.name ?? "" };
  const id = world.id();
  const row: Conversation = {
    ...(structuredClone([...world.conversations.values()][0]) as Conversation),
    id,
    contact,
    status: "open",
    labels: [],
    last: null,
    assignee_id: 1,
    inbox_ids: [call.body.inbox_id as number],
    channels: [],
    inbound_count: 0,
    message_count: 0,
    created_at: world.now(),
    rev: 1,
    my: { read_count: 0, starred: false, draft: null },
  };
  world.conversations.set(id, row);
  if (call.body.message) write({ ...call, body: call.body.message as Body }, row, false);
  world.emit("ConversationOpened", { conversation_id: id, conversation: world.conversations.get(id) });
  return world.conversations.get(id) as Conversation;
}

export function messages(call: Call, id: number, verb: string | undefined): unknown {
  const { world } = call;
  const row = world.messages.get(id);
  if (!row) throw new Refusal(404, "not_found", "This message does not exist.");
  if (!verb && call.method === "GET") return row;
  if (verb === "details") {
    const steps = ["queued", "sending", row.delivery?.state ?? "sent"];
    const receipts = steps.map((state, n) => ({
      state,
      at: iso(Date.parse(row.at) + n * 900),
      code: n === 2 ? row.delivery?.code : null,
      reason: n === 2 ? row.delivery?.reason : null,
      source: n === 2 ? "provider" : "frontdesk",
    }));
    return {
      trace: "4bf92f3577b34da6a3ce929d0e0e4736",
      external_id: null,
      key: null,
      arrived: null,
      attempts: [],
      receipts,
    };
  }
  if (verb === "cancel") return world.deliver(id, "cancelled");
  if (verb === "retry") return world.deliver(id, call.body.mark === "sent" ? "sent" : "queued");
  if (verb === "send-now") {
    world.messages.set(id, {
      ...row,
      delivery: { state: "queued", code: null, reason: null, at: null, due_at: null },
    });
    return world.deliver(id, "sent");
  }
  const next = {
    ...row,
    text: (call.body.text as string | undefined) ?? row.text,
    rev: row.rev + 1,
    delivery: row.delivery && {
      ...row.delivery,
      due_at: (call.body.due_at as string | undefined) ?? row.delivery.due_at,
    },
  };
  world.messages.set(id, next);
  world.emit("MessageChanged", { conversation_id: row.conversation_id, message: next });
  return next;
}
