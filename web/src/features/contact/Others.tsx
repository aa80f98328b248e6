import { useQuery } from "@tanstack/react-query";
import { conversationsOf } from "@/api/contacts";
import type { Conversation, Id } from "@/api/types";
import { t } from "@/i18n";
import { shortTime } from "@/lib/time";
import { ChannelIcon } from "@/ui/Channel";
import { Section } from "./ContactPanel";

function One({ row, onOpen }: { row: Conversation; onOpen: (id: Id) => void }) {
  return (
    <li>
      <button
        type="button"
        onClick={() => onOpen(row.id)}
        className="-mx-2 flex w-[calc(100%+1rem)] items-center gap-2 rounded-lg px-2 py-1.5 text-start hover:bg-hover"
      >
        <ChannelIcon name={row.last?.channel ?? row.channels[0]} size={14} own />
        <span dir="auto" className="min-w-0 flex-1 truncate">
          {row.subject ?? row.last?.preview ?? t("row.empty")}
        </span>
        <span className="shrink-0 text-2xs text-mute">
          {row.status !== "open" && `${t(`tab.${row.status}`)} · `}
          {shortTime(row.last?.at ?? row.created_at)}
        </span>
      </button>
    </li>
  );
}

export function Others({ contact, except, onOpen }: { contact: Id; except: Id | null; onOpen: (id: Id) => void }) {
  const all = useQuery({ queryKey: ["contact-conversations", contact], queryFn: () => conversationsOf(contact) });
  const rows = (all.data ?? []).filter((row) => row.id !== except);
  if (rows.length === 0) return null;
  return (
    <Section title={t(except === null ? "nav.conversations" : "panel.others")}>
      <ul>
        {rows.map((row) => (
          <One key={row.id} row={row} onOpen={onOpen} />
        ))}
      </ul>
    </Section>
  );
}
