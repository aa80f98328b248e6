import type { Message } from "@/api/types";
import { maybe, t } from "@/i18n";
import { clock, fullTime, mediumTime } from "@/lib/time";
import { store, useRows } from "@/sync/store";

/** The values of an activity as words: ids become names, times become local. */
function words(data: Record<string, unknown>): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(data)) {
    if (typeof value === "string" || typeof value === "number") all[name] = String(value);
  }
  const user = store.row("users", Number(data["assignee_id"] ?? data["user_id"]));
  const team = store.row("teams", Number(data["team_id"]));
  const label = store.row("labels", Number(data["label_id"]));
  const until = data["snoozed_until"] ?? data["until"];
  return {
    ...all,
    name:
      all["assignee_name"] ??
      user?.name ??
      all["label"] ??
      label?.name ??
      team?.name ??
      all["name"] ??
      all["point"] ??
      all["display"] ??
      "",
    time: typeof until === "string" ? mediumTime(until) : "",
  };
}

function describe(message: Message): string {
  const { code = "", data = {} } = message.activity ?? {};
  const status = data["status"] ?? data["to"];
  const key = code === "status" && typeof status === "string" ? `activity.status_${status}` : `activity.${code}`;
  const who = message.author.name || t("author.system");
  return maybe(key, message.text || code.replaceAll("_", " "), { who, ...words(data) });
}

/** Something that happened between messages, in one line. */
export function ActivityLine({ message }: { message: Message }) {
  useRows("users");
  useRows("labels");
  return (
    <p className="px-6 py-1.5 text-center text-xs text-mute" dir="auto">
      {describe(message)}
      <time dateTime={message.at} title={fullTime(message.at)} className="ms-1.5 text-2xs">
        {clock(message.at)}
      </time>
    </p>
  );
}
