import { useRef, useState, type FormEvent } from "react";
import { forwardMessage } from "@/api/messages";
import type { Inbox, Message } from "@/api/types";
import { addresses } from "@/features/composer/drafts";
import { useSaving } from "@/features/settings/useSaving";
import { t } from "@/i18n";
import { useRows } from "@/sync/store";
import { Button } from "@/ui/Button";
import { useChannels } from "@/ui/Channel";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, FormError, INPUT, SelectField, TextField } from "@/ui/Field";
import { toast } from "@/ui/toasts";

/** Inboxes that can pass a message on to somebody else: those with a subject and copies. */
export function useForwarders(): readonly Inbox[] {
  const channels = useChannels();
  return useRows("inboxes").filter(
    (inbox) => inbox.enabled && channels.some((channel) => channel.name === inbox.channel && channel.can.copies),
  );
}

/** Sends a message with its files to somebody who was not part of it. */
export function ForwardDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const inboxes = useForwarders();
  const [inbox, setInbox] = useState(() => inboxes.find((one) => one.id === message.inbox_id) ?? inboxes[0]);
  const [to, setTo] = useState("");
  const [cc, setCc] = useState("");
  const [text, setText] = useState("");
  const key = useRef(crypto.randomUUID());
  const saving = useSaving();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!inbox) return;
    const body = { inbox_id: inbox.id, to: to.trim(), text, ...(cc && { cc: addresses(cc) }) };
    if (!(await saving.run(() => forwardMessage(message.id, body, key.current)))) {
      key.current = crypto.randomUUID();
      return;
    }
    toast({ text: t("forward.sent", { to: to.trim() }) });
    onClose();
  };
  return (
    <Dialog open onClose={onClose} title={t("forward.title")} text={t("forward.text")}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <FormError text={saving.error} />
        <TextField
          label={t("email.to_label")}
          required
          autoFocus
          value={to}
          onChange={setTo}
          error={saving.fields["to"]}
        />
        <TextField label={t("email.cc")} value={cc} onChange={setCc} error={saving.fields["cc"]} />
        {inboxes.length > 1 && inbox && (
          <SelectField
            label={t("new.from")}
            value={String(inbox.id)}
            options={inboxes.map((one) => [String(one.id), one.name] as const)}
            onChange={(id) => setInbox(inboxes.find((one) => one.id === Number(id)))}
          />
        )}
        <Field label={t("forward.note")}>
          {(ids) => (
            <textarea
              {...ids}
              dir="auto"
              rows={3}
              value={text}
              onChange={(event) => setText(event.target.value)}
              className={INPUT}
            />
          )}
        </Field>
        <blockquote dir="auto" className="line-clamp-4 border-s-2 border-line ps-3 whitespace-pre-wrap text-mute">
          {message.reply ?? message.text}
        </blockquote>
        <DialogActions>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button tone="primary" type="submit" busy={saving.busy}>
            {t("forward.do")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
