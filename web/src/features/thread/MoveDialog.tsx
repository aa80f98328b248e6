import { moveMessage } from "@/api/messages";
import type { Conversation, Message } from "@/api/types";
import { useSaving } from "@/features/settings/useSaving";
import { t } from "@/i18n";
import { store, useRow } from "@/sync/store";
import { Dialog } from "@/ui/Dialog";
import { FormError } from "@/ui/Field";
import { toast } from "@/ui/toasts";
import { ConversationChoice } from "./ConversationChoice";

/** A message that belongs to another matter of the same contact. */
export function MoveDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const conversation = useRow("conversations", message.conversation_id);
  const saving = useSaving();
  const move = async (into: Conversation) => {
    if (!(await saving.run(async () => store.receive("messages", await moveMessage(message.id, into.id))))) return;
    toast({ text: t("move.done") });
    onClose();
  };
  if (!conversation) return null;
  return (
    <Dialog open onClose={onClose} title={t("move.title")}>
      <FormError text={saving.error} />
      <ConversationChoice
        contact={conversation.contact.id}
        except={conversation.id}
        onChoose={(row) => void move(row)}
      />
    </Dialog>
  );
}
