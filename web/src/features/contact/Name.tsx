import { useState } from "react";
import { changeContact } from "@/api/contacts";
import type { Contact } from "@/api/types";
import { t } from "@/i18n";
import { Pencil } from "@/ui/icons";
import { changing } from "./useContact";

/** The name, editable where it stands: Enter saves, Escape leaves it as it was. */
export function Name({ contact }: { contact: Contact }) {
  const [text, setText] = useState<string | null>(null);
  const save = () => {
    const name = text?.trim();
    setText(null);
    if (name && name !== contact.name) void changing(contact, { name }, () => changeContact(contact.id, { name }));
  };
  if (text === null) {
    return (
      <button
        type="button"
        onClick={() => setText(contact.name)}
        aria-label={t("panel.rename", { name: contact.name })}
        className="group relative mt-2 max-w-full rounded-lg px-6 py-0.5 hover:bg-hover"
      >
        <bdi title={contact.name} className="line-clamp-3 text-lg font-semibold break-words">
          {contact.name}
        </bdi>
        <Pencil
          size={13}
          className="absolute end-1.5 top-2 text-mute opacity-0 group-hover:opacity-100 group-focus-visible:opacity-100"
          aria-hidden
        />
      </button>
    );
  }
  return (
    <input
      autoFocus
      dir="auto"
      aria-label={t("name")}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={save}
      onKeyDown={(event) => {
        if (event.key === "Enter") save();
        else if (event.key === "Escape") {
          event.stopPropagation();
          setText(null);
        }
      }}
      className="mt-2 w-full rounded-lg border border-accent bg-panel px-2 py-0.5 text-center text-lg font-semibold outline-none"
    />
  );
}
