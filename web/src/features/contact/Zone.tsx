import { useMemo, useState } from "react";
import { flushSync } from "react-dom";
import { changeContact } from "@/api/contacts";
import type { Contact } from "@/api/types";
import { t } from "@/i18n";
import { useNow } from "@/lib/ticker";
import { isZone, mediumTime, zones } from "@/lib/time";
import { SelectField } from "@/ui/Field";
import { Section } from "./ContactPanel";
import { changing } from "./useContact";

export function Zone({ contact }: { contact: Contact }) {
  const now = useNow();
  // Four hundred zones are only listed for those who open the list.
  const [open, setOpen] = useState(false);
  const options = useMemo(() => {
    const names = open ? zones() : contact.timezone ? [contact.timezone] : [];
    return [["", t("zone.unknown")] as const, ...names.map((name) => [name, name.replaceAll("_", " ")] as const)];
  }, [open, contact.timezone]);
  const list = () => !open && flushSync(() => setOpen(true));
  const zone = contact.timezone ?? "";
  const set = (next: string) =>
    void changing(contact, { timezone: next || null }, () => changeContact(contact.id, { timezone: next || null }));
  return (
    <Section title={t("panel.zone")}>
      <div role="presentation" onPointerDown={list} onKeyDown={list}>
        <SelectField
          hideLabel
          label={t("panel.zone")}
          value={zone}
          options={options}
          onChange={set}
          help={isZone(zone) ? t("zone.now", { time: mediumTime(new Date(now), zone) }) : undefined}
        />
      </div>
    </Section>
  );
}
