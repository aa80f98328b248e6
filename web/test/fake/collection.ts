import type { Call } from "./call.ts";
import { blankMessage } from "./data.ts";

export function collection(
  call: Call,
  table: { id: number }[],
  id: string | undefined,
  verb: string | undefined,
): unknown {
  const { world } = call;
  if (verb === "test") return { ok: true, message: "Signed in and found 214 messages." };
  if (verb === "test-message") return blankMessage(world.id(), 1, Date.now());
  if (call.method === "POST") {
    const row = {
      id: world.id(),
      hook_url: "http://localhost/hooks/new",
      public_key: "new",
      enabled: true,
      secrets: {},
      address: null,
      active: true,
      health: { state: "waiting", note: "Waiting for the first message." },
      ...call.body,
    };
    table.push(row);
    return row;
  }
  const index = table.findIndex((row) => row.id === Number(id));
  if (call.method === "DELETE") return void table.splice(index, 1);
  return Object.assign(table[index] as object, call.body);
}
