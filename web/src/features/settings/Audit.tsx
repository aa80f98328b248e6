import { useInfiniteQuery } from "@tanstack/react-query";
import type { AuditEntry, Channel } from "@/api/types";
import { listAudit } from "@/api/workspace";
import { maybe, t } from "@/i18n";
import { mediumTime } from "@/lib/time";
import { useRows } from "@/sync/store";
import { Empty } from "@/ui/bits";
import { useChannels } from "@/ui/Channel";
import { ScrollText } from "@/ui/icons";
import { Page } from "@/ui/Page";
import { Paged } from "@/ui/Paged";

/** "inbox.changed" → "Inbox changed" for actions that have no text of their own. */
const words = (action: string): string => {
  const text = action.replace(/[._]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

function details(entry: AuditEntry, channels: readonly Channel[]): string {
  const said = (name: string, value: unknown): string => {
    if (name === "channel") return channels.find((channel) => channel.name === value)?.title ?? String(value);
    return maybe(`${name}.${String(value)}`, String(value));
  };
  return Object.entries(entry.detail)
    .filter(([, value]) => typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    .map(([name, value]) => `${maybe(`audit.with.${name}`, words(name))}: ${said(name, value)}`)
    .join(" · ");
}

export function Audit() {
  const users = useRows("users");
  const channels = useChannels();
  const found = useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: ({ pageParam }) => listAudit(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  return (
    <Page title={t("settings.audit")} text={t("audit.text")} narrow>
      <Paged found={found} empty={<Empty icon={ScrollText} title={t("audit.none")} />}>
        {(entries) => (
          <ul className="overflow-hidden rounded-2xl border border-line bg-panel">
            {entries.map((entry) => (
              <li key={entry.id} className="flex flex-wrap gap-x-4 border-b border-line px-4 py-2.5 last:border-0">
                <time dateTime={entry.at} className="w-40 shrink-0 text-xs leading-5 text-mute">
                  {mediumTime(entry.at)}
                </time>
                <div className="min-w-0 flex-1">
                  <p>
                    <span className="font-medium">{maybe(`audit.${entry.action}`, words(entry.action))}</span>{" "}
                    <span className="text-mute">
                      {t("audit.by", {
                        name: users.find((user) => user.id === entry.actor_id)?.name ?? t("author.system"),
                      })}
                    </span>
                  </p>
                  <p className="text-xs break-words text-mute empty:hidden" dir="auto">
                    {details(entry, channels)}
                  </p>
                </div>
              </li>
            ))}
          </ul>
        )}
      </Paged>
    </Page>
  );
}
