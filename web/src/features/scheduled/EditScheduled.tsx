import { useState } from "react";
import { sentence } from "@/api/http";
import { changeMessage } from "@/api/messages";
import type { Message } from "@/api/types";
import { t } from "@/i18n";
import { ownZone } from "@/lib/time";
import { store, useRow } from "@/sync/store";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, FormError, INPUT } from "@/ui/Field";
import { WhenFields } from "./WhenDialog";

/** Text and time of a message that still waits. */
export function EditScheduled({
  message,
  onClose,
  onSaved,
}: {
  message: Message;
  onClose: () => void;
  onSaved?: () => void;
}) {
  const due = new Date(message.delivery?.due_at ?? message.at);
  const contact = useRow("contacts", useRow("conversations", message.conversation_id)?.contact.id);
  const [text, setText] = useState(message.text);
  const [at, setAt] = useState<Date | null>(due);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const ahead = at !== null && at.getTime() > Date.now();
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      store.receive("messages", await changeMessage(message.id, { text, due_at: (at ?? due).toISOString() }));
      onSaved?.();
      onClose();
    } catch (problem) {
      setError(sentence(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} title={t("scheduled.edit")}>
      <div className="flex flex-col gap-4">
        <FormError text={error} />
        <Field label={t("message.text")}>
          {(ids) => (
            <textarea
              {...ids}
              dir="auto"
              rows={5}
              value={text}
              onChange={(event) => setText(event.target.value)}
              className={INPUT}
            />
          )}
        </Field>
        <WhenFields zone={contact?.timezone ?? ownZone()} at={due} onChange={setAt} />
        {!ahead && <p className="text-xs text-bad">{t("when.past")}</p>}
      </div>
      <DialogActions>
        <Button onClick={onClose}>{t("cancel")}</Button>
        <Button tone="primary" busy={busy} disabled={!ahead || text.trim() === ""} onClick={() => void save()}>
          {t("save")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
