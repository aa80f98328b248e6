import { Popover } from "radix-ui";
import { sentence } from "@/api/http";
import { putTag } from "@/api/contacts";
import type { Contact, Id } from "@/api/types";
import { createColoured } from "@/api/workspace";
import { t } from "@/i18n";
import { store, useRows } from "@/sync/store";
import { TagChip } from "@/ui/bits";
import { IconButton } from "@/ui/Button";
import { Plus, Tag as TagIcon } from "@/ui/icons";
import { Picker } from "@/ui/Picker";
import { toast } from "@/ui/toasts";
import { Section } from "./ContactPanel";
import { changing } from "./useContact";

const COLOURS = ["#9333ea", "#0f766e", "#b45309", "#2563eb", "#be185d", "#475569"];

export function Tags({ contact }: { contact: Contact }) {
  const tags = useRows("tags");
  const set = (id: Id, on: boolean) => {
    const rest = contact.tags.filter((known) => known !== id);
    return changing(contact, { tags: on ? [...rest, id] : rest }, () => putTag(contact.id, id, on));
  };
  const create = async (name: string) => {
    try {
      const tag = await createColoured("tags", { name, colour: COLOURS[tags.length % COLOURS.length] as string });
      store.put("tags", tag);
      await set(tag.id, true);
    } catch (error) {
      toast({ text: sentence(error), tone: "bad" });
    }
  };
  const mine = tags.filter((tag) => contact.tags.includes(tag.id));
  const adder = (
    <Popover.Root>
      <Popover.Trigger asChild>
        <IconButton label={t("tag.add")} icon={Plus} dense />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          aria-label={t("tag.add")}
          className="pop z-50 rounded-xl border border-line bg-panel p-1 shadow-pop outline-none"
        >
          <Picker
            label={t("tag.pick")}
            options={tags.map((tag) => ({
              id: String(tag.id),
              text: tag.name,
              icon: <TagIcon size={13} fill="currentColor" style={{ color: tag.colour }} aria-hidden />,
              checked: contact.tags.includes(tag.id),
            }))}
            onPick={(id) => void set(Number(id), !contact.tags.includes(Number(id)))}
            onCreate={(name) => void create(name)}
          />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
  return (
    <Section title={t("panel.tags")} action={adder}>
      {mine.length === 0 ? (
        <p className="text-xs text-mute">{t("panel.tags_none")}</p>
      ) : (
        <div className="flex flex-wrap gap-1.5">
          {mine.map((tag) => (
            <TagChip key={tag.id} tag={tag} onRemove={() => void set(tag.id, false)} />
          ))}
        </div>
      )}
    </Section>
  );
}
