import { openConversation } from "@/actions/go";
import { mergeConversation } from "@/api/conversations";
import type { Conversation } from "@/api/types";
import { useSaving } from "@/features/settings/useSaving";
import { t } from "@/i18n";
import { store } from "@/sync/store";
import { Dialog } from "@/ui/Dialog";
import { FormError } from "@/ui/Field";
import { ConversationChoice } from "./ConversationChoice";

/** Two conversations about the same matter become one. */
export function MergeDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const saving = useSaving();
  const merge = async (into: Conversation) => {
    const merged = await saving.run(async () =>
      store.receive("conversations", await mergeConversation(conversation.id, into.id)),
    );
    if (!merged) return;
    onClose();
    openConversation(into.id, { replace: true });
  };
  return (
    <Dialog open onClose={onClose} title={t("merge.title")} text={t("merge.text", { name: conversation.contact.name })}>
      <FormError text={saving.error} />
      <ConversationChoice
        contact={conversation.contact.id}
        except={conversation.id}
        onChoose={(row) => void merge(row)}
      />
    </Dialog>
  );
}
