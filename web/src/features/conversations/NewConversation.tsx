import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useRef, useState, type FormEvent } from "react";
import { openConversation as open } from "@/actions/go";
import { overlay } from "@/actions/screen";
import { listContacts } from "@/api/contacts";
import { openConversation, type NewConversation as Body } from "@/api/conversations";
import { sentence } from "@/api/http";
import type { Contact, Inbox } from "@/api/types";
import { t } from "@/i18n";
import { addressesBeside, classes } from "@/lib/text";
import { loadConversation } from "@/sync/load";
import { store, useRows } from "@/sync/store";
import { Avatar } from "@/ui/bits";
import { Button } from "@/ui/Button";
import { ChannelIcon, useChannels } from "@/ui/Channel";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, FormError, INPUT, SelectField, Switch, TextField } from "@/ui/Field";
import { Plus, X } from "@/ui/icons";
import { startWith } from "./startWith";

/** Inboxes that may write first, with the kinds of address they reach. */
function useWriters(): { inbox: Inbox; kinds: string[]; subject: boolean }[] {
  const inboxes = useRows("inboxes");
  const channels = useChannels();
  return useMemo(
    () =>
      inboxes.flatMap((inbox) => {
        const can = channels.find((channel) => channel.name === inbox.channel)?.can;
        return inbox.enabled && can?.may_start ? [{ inbox, kinds: can.address_kinds, subject: can.subject }] : [];
      }),
    [inboxes, channels],
  );
}

interface WhoProps {
  onContact: (contact: Contact) => void;
  onAddress: (value: string) => void;
}

function Who({ onContact, onAddress }: WhoProps) {
  const [text, setText] = useState("");
  const q = useDeferredValue(text.trim());
  const found = useQuery({
    queryKey: ["contacts", "new", q],
    queryFn: ({ signal }) => listContacts(q, null, 6, signal),
  });
  const looksLikeAddress = /[@\d+]/.test(q) && q.length > 3;
  return (
    <div>
      <TextField
        label={t("new.to")}
        help={t("new.to_help")}
        autoFocus
        value={text}
        onChange={setText}
        autoComplete="off"
      />
      <ul className="mt-2 flex flex-col">
        {looksLikeAddress && (
          <li>
            <button
              type="button"
              onClick={() => onAddress(q)}
              className="flex w-full items-center gap-3 rounded-lg px-2 py-2 text-start hover:bg-hover"
            >
              <span className="grid size-8 place-items-center rounded-full bg-sel text-accent">
                <Plus size={16} aria-hidden />
              </span>
              {t("new.address", { address: q })}
            </button>
          </li>
        )}
        {(found.data?.items ?? []).map((contact) => (
          <li key={contact.id}>
            <button
              type="button"
              onClick={() => onContact(contact)}
              className="flex w-full items-center gap-3 rounded-lg px-2 py-1.5 text-start hover:bg-hover"
            >
              <Avatar name={contact.name} size={32} />
              <span className="min-w-0">
                <bdi className="block truncate font-medium">{contact.name}</bdi>
                <span className="block truncate text-xs text-mute empty:hidden">
                  {addressesBeside(contact).join(" · ")}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

type Target = { contact: Contact } | { address: string };

function Write({ target, onBack }: { target: Target; onBack: () => void }) {
  const all = useWriters();
  const contact = "contact" in target ? target.contact : null;
  const address = "address" in target ? target.address : "";
  const mail = address.includes("@");
  // A typed address with an @ cannot be dialled, and a number cannot be mailed: the kinds tell which inboxes fit.
  const writers = all.filter(({ kinds, subject }) =>
    contact ? contact.points.some((point) => kinds.includes(point.kind)) : subject === mail,
  );
  const [inbox, setInbox] = useState<number | null>(null);
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [subject, setSubject] = useState("");
  const [second, setSecond] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const key = useRef(crypto.randomUUID());
  const writer = writers.find((one) => one.inbox.id === inbox) ?? writers[0];

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!writer) return;
    setBusy(true);
    setError(null);
    const to = { kind: writer.kinds[0] ?? "", value: address, ...(name.trim() && { name: name.trim() }) };
    const body: Body = {
      inbox_id: writer.inbox.id,
      ...(contact ? { contact_id: contact.id } : { to }),
      ...(second && { second }),
      message: { text, inbox_id: writer.inbox.id, ...(writer.subject && subject && { subject }) },
    };
    try {
      const row = await openConversation(body, key.current);
      store.receive("conversations", row);
      await loadConversation(row.id);
      overlay.set(null);
      startWith.set(null);
      open(row.id);
    } catch (problem) {
      setError(sentence(problem));
      setBusy(false);
      key.current = crypto.randomUUID();
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <div className="flex items-center gap-3 rounded-xl bg-raise px-3 py-2">
        <Avatar name={contact?.name ?? address} size={32} />
        <bdi className="min-w-0 flex-1 truncate font-medium">{contact?.name ?? address}</bdi>
        <button
          type="button"
          aria-label={t("new.other")}
          onClick={onBack}
          className="grid size-7 place-items-center rounded text-mute hover:text-ink"
        >
          <X size={15} aria-hidden />
        </button>
      </div>
      <FormError text={error ?? (writers.length === 0 ? t("new.no_inbox") : null)} />
      {!contact && <TextField label={t("new.name")} value={name} onChange={setName} />}
      {writer && (
        <>
          <div className="flex items-end gap-2">
            <span className="mb-2.5">
              <ChannelIcon name={writer.inbox.channel} size={16} own />
            </span>
            <div className="flex-1">
              <SelectField
                label={t("new.from")}
                value={String(writer.inbox.id)}
                options={writers.map(
                  (one) =>
                    [
                      String(one.inbox.id),
                      `${one.inbox.name}${one.inbox.address ? ` · ${one.inbox.address}` : ""}`,
                    ] as const,
                )}
                onChange={(id) => setInbox(Number(id))}
              />
            </div>
          </div>
          {writer.subject && <TextField label={t("email.subject")} value={subject} onChange={setSubject} />}
          <Field label={t("message.text")} required>
            {(ids) => (
              <textarea
                {...ids}
                dir="auto"
                required
                autoFocus
                rows={5}
                value={text}
                onChange={(event) => setText(event.target.value)}
                onKeyDown={(event) =>
                  event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.currentTarget.form?.requestSubmit()
                }
                className={classes(INPUT, "resize-y")}
              />
            )}
          </Field>
          {contact && (
            <Switch label={t("new.second")} help={t("new.second_help")} checked={second} onChange={setSecond} />
          )}
        </>
      )}
      <DialogActions>
        <Button tone="primary" type="submit" busy={busy} disabled={!writer || text.trim() === ""}>
          {t("send")}
        </Button>
      </DialogActions>
    </form>
  );
}

export default function NewConversation() {
  const preset = startWith.get();
  const [target, setTarget] = useState<Target | null>(preset ? { contact: preset } : null);
  const close = () => {
    overlay.set(null);
    startWith.set(null);
  };
  return (
    <Dialog open onClose={close} title={t("cmd.new")}>
      {target === null ? (
        <Who onContact={(contact) => setTarget({ contact })} onAddress={(address) => setTarget({ address })} />
      ) : (
        <Write target={target} onBack={() => setTarget(null)} />
      )}
    </Dialog>
  );
}
