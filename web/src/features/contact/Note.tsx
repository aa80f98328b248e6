import { useState } from "react";
import { changeContact } from "@/api/contacts";
import type { Contact } from "@/api/types";
import { t } from "@/i18n";
import { Section } from "./ContactPanel";
import { changing } from "./useContact";

/** One note for the whole team; saved when the field is left. */
export function Note({ contact }: { contact: Contact }) {
  const [text, setText] = useState<string | null>(null);
  const save = () => {
    if (text !== null && text !== contact.note)
      void changing(contact, { note: text }, () => changeContact(contact.id, { note: text }));
    setText(null);
  };
  return (
    <Section title={t("panel.note")}>
      <textarea
        dir="auto"
        rows={Math.min(8, Math.max(2, (text ?? contact.note).split("\n").length + 1))}
        aria-label={t("panel.note")}
        placeholder={t("panel.note_placeholder")}
        value={text ?? contact.note}
        onChange={(event) => setText(event.target.value)}
        onBlur={save}
        className="-mx-2 block w-[calc(100%+1rem)] resize-none rounded-lg border border-transparent bg-transparent px-2 py-1 text-sm outline-none hover:bg-raise focus:border-accent focus:bg-panel max-sm:text-[16px]"
      />
    </Section>
  );
}
