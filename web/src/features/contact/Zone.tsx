import { useMemo } from "react";
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
  const options = useMemo(
    () => [["", t("zone.unknown")] as const, ...zones().map((zone) => [zone, zone.replaceAll("_", " ")] as const)],
    [],
  );
  const zone = contact.timezone ?? "";
  const set = (next: string) =>
    void changing(contact, { timezone: next || null }, () => changeContact(contact.id, { timezone: next || null }));
  return (
    <Section title={t("panel.zone")}>
      <SelectField
        hideLabel
        label={t("panel.zone")}
        value={zone}
        options={options}
        onChange={set}
        help={isZone(zone) ? t("zone.now", { time: mediumTime(new Date(now), zone) }) : undefined}
      />
    </Section>
  );
}
