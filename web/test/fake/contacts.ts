import { Refusal, type Call } from "./call.ts";
import { World } from "./world.ts";

export function contacts(
  call: Call,
  id: string | undefined,
  verb: string | undefined,
  last: string | undefined,
): unknown {
  const { world } = call;
  const { method, body } = call;
  if (!id && method === "GET") {
    const q = (call.query.get("q") ?? "").toLowerCase();
    const rows = [...world.contacts.values()].filter(
      (row) => row.name.toLowerCase().includes(q) || row.points.some((point) => point.value.includes(q)),
    );
    return World.cursor(rows, call.query.get("cursor"), Number(call.query.get("limit") ?? 50));
  }
  if (!id) {
    const points = (body.points as { kind: string; value: string }[]).map((point) => ({
      ...point,
      id: world.id(),
      display: point.value,
      bad_since: null,
      scope: "",
      verified: false,
      claimed: false,
      primary: true,
      opt_out: null,
      created_at: world.now(),
    }));
    const row = {
      id: world.id(),
      name: body.name as string,
      points,
      tags: [],
      note: "",
      timezone: null,
      locale: null,
      created_at: world.now(),
      rev: 1,
    };
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
  if (verb === "conversations")
    return { items: world.list({ view: "all" }).filter((one) => one.contact.id === row.id), next: null };
  if (verb === "tags")
    return changed({
      tags: [...row.tags.filter((tag) => tag !== Number(last)), ...(method === "PUT" ? [Number(last)] : [])],
    });
  if (verb === "points") {
    if (method === "POST")
      return changed({
        points: [
          ...row.points,
          {
            ...body,
            id: world.id(),
            display: body.value,
            bad_since: null,
            scope: "",
            verified: false,
            claimed: false,
            primary: false,
            opt_out: null,
            created_at: world.now(),
          },
        ],
      });
    if (method === "DELETE") return changed({ points: row.points.filter((point) => point.id !== Number(last)) });
    return changed({
      points: row.points.map((point) =>
        point.id === Number(last)
          ? { ...point, opt_out: body.opted_out ? { at: world.now(), reason: body.reason, source: "user" } : null }
          : point,
      ),
    });
  }
  return row;
}
