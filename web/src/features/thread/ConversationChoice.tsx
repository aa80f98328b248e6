import { useQuery } from "@tanstack/react-query";
import { conversationsOf } from "@/api/contacts";
import type { Conversation, Id } from "@/api/types";
import { t } from "@/i18n";
import { longDate } from "@/lib/time";
import { Empty, Spinner } from "@/ui/bits";
import { MessagesSquare } from "@/ui/icons";

interface ChoiceProps {
  contact: Id;
  except: Id;
  onChoose: (row: Conversation) => void;
}

/** The other conversations of a contact, to merge with or to move a message to. */
export function ConversationChoice({ contact, except, onChoose }: ChoiceProps) {
  const all = useQuery({ queryKey: ["contact-conversations", contact], queryFn: () => conversationsOf(contact) });
  const others = (all.data ?? []).filter((row) => row.id !== except);
  if (all.isPending) return <Spinner />;
  if (others.length === 0) return <Empty icon={MessagesSquare} title={t("merge.none")} text={t("merge.none_text")} />;
  return (
    <ul className="flex flex-col gap-1">
      {others.map((row) => (
        <li key={row.id}>
          <button
            type="button"
            onClick={() => onChoose(row)}
            className="w-full rounded-xl border border-line px-3 py-2 text-start hover:bg-hover"
          >
            <span dir="auto" className="block truncate font-medium">
              {row.subject ?? row.last?.preview ?? t("row.empty")}
            </span>
            <span className="text-xs text-mute">
              {t(`tab.${row.status}`)} · {longDate(row.last?.at ?? row.created_at)}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
