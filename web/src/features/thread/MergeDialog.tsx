import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { openConversation } from "@/actions/go";
import { conversationsOf } from "@/api/contacts";
import { mergeConversation } from "@/api/conversations";
import { sentence } from "@/api/http";
import type { Conversation } from "@/api/types";
import { t } from "@/i18n";
import { longDate } from "@/lib/time";
import { store } from "@/sync/store";
import { Empty, Spinner } from "@/ui/bits";
import { Dialog } from "@/ui/Dialog";
import { FormError } from "@/ui/Field";
import { MessagesSquare } from "@/ui/icons";

/** Two conversations about the same matter become one. */
export function MergeDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const [error, setError] = useState<string | null>(null);
  const contact = conversation.contact.id;
  const all = useQuery({ queryKey: ["contact-conversations", contact], queryFn: () => conversationsOf(contact) });
  const others = (all.data ?? []).filter((row) => row.id !== conversation.id);
  const merge = async (into: Conversation) => {
    try {
      store.receive("conversations", await mergeConversation(conversation.id, into.id));
      onClose();
      openConversation(into.id, true);
    } catch (problem) {
      setError(sentence(problem));
    }
  };
  return (
    <Dialog open onClose={onClose} title={t("merge.title")} text={t("merge.text", { name: conversation.contact.name })}>
      <FormError text={error} />
      {all.isPending ? (
        <Spinner />
      ) : others.length === 0 ? (
        <Empty icon={MessagesSquare} title={t("merge.none")} text={t("merge.none_text")} />
      ) : (
        <ul className="flex flex-col gap-1">
          {others.map((row) => (
            <li key={row.id}>
              <button
                type="button"
                onClick={() => void merge(row)}
                className="w-full rounded-xl border border-line px-3 py-2 text-start hover:bg-hover"
              >
                <span dir="auto" className="block truncate font-medium">
                  {row.subject ?? row.last?.preview ?? t("row.empty")}
                </span>
                <span className="text-xs text-mute">{longDate(row.last?.at ?? row.created_at)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
