import { useEffect, useState, type ReactNode } from "react";
import { openConversation } from "@/actions/go";
import { setLabel } from "@/actions/conversations";
import { picker } from "@/actions/screen";
import type { Contact, Id } from "@/api/types";
import { t } from "@/i18n";
import { useRow, useRows } from "@/sync/store";
import { Avatar, LabelChip, Spinner } from "@/ui/bits";
import { IconButton } from "@/ui/Button";
import { ExternalLink, Plus, X } from "@/ui/icons";
import { go } from "@/actions/go";
import { Duplicates } from "./Duplicates";
import { Name } from "./Name";
import { Note } from "./Note";
import { Others } from "./Others";
import { Points } from "./Points";
import { Tags } from "./Tags";
import { Zone } from "./Zone";
import { useContact } from "./useContact";

interface SectionProps {
  title: string;
  action?: ReactNode;
  children: ReactNode;
}

export const Section = ({ title, action, children }: SectionProps) => (
  <section className="border-t border-line px-4 py-3.5">
    <div className="mb-2 flex min-h-6 items-center justify-between">
      <h2 className="text-xs font-semibold text-mute">{title}</h2>
      {action}
    </div>
    {children}
  </section>
);

/** Everything about one contact that is not a conversation. */
export function ContactSections({ contact, conversation }: { contact: Contact; conversation?: Id }) {
  return (
    <>
      <Duplicates contact={contact.id} />
      <Points contact={contact} />
      {conversation !== undefined && <ConversationLabels id={conversation} />}
      <Tags contact={contact} />
      <Note key={contact.id} contact={contact} />
      <Zone contact={contact} />
      <Others contact={contact.id} except={conversation ?? null} onOpen={openConversation} />
    </>
  );
}

function ConversationLabels({ id }: { id: Id }) {
  const ids = useRow("conversations", id)?.labels ?? [];
  const labels = useRows("labels").filter((label) => ids.includes(label.id));
  return (
    <Section
      title={t("panel.labels")}
      action={
        <IconButton
          label={t("cmd.label")}
          icon={Plus}
          dense
          onClick={(event) => picker.set({ kind: "label", ids: [id], anchor: event.currentTarget })}
        />
      }
    >
      {labels.length === 0 ? (
        <p className="text-xs text-mute">{t("panel.labels_none")}</p>
      ) : (
        <div className="flex flex-wrap gap-1.5">
          {labels.map((label) => (
            <LabelChip key={label.id} label={label} onRemove={() => void setLabel([id], label.id, false)} />
          ))}
        </div>
      )}
    </Section>
  );
}

export function ContactPanel({ conversation, onBack }: { conversation: Id; onBack?: () => void }) {
  const row = useRow("conversations", conversation);
  const contact = useContact(row?.contact.id);
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 300);
    return () => clearTimeout(timer);
  }, []);
  if (!contact) return late && row ? <Spinner /> : null;
  return (
    <div>
      <header className="relative flex flex-col items-center px-4 pt-5 pb-4 text-center">
        {onBack && (
          <div className="absolute end-2 top-2">
            <IconButton label={t("close")} icon={X} onClick={onBack} />
          </div>
        )}
        <Avatar name={contact.name} size={56} />
        <Name contact={contact} />
        <button
          type="button"
          onClick={() => go({ to: "/contacts/$id", params: { id: String(contact.id) } })}
          className="flex min-h-6 items-center gap-1 rounded px-1 text-xs text-mute hover:text-ink"
        >
          {t("panel.open")}
          <ExternalLink size={12} aria-hidden />
        </button>
      </header>
      <ContactSections contact={contact} conversation={conversation} />
    </div>
  );
}
