import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";
import { openView, setFilters, type ListSearch } from "@/actions/go";
import type { View } from "@/api/types";
import { t } from "@/i18n";
import { useRow, useRows } from "@/sync/store";
import { Avatar } from "@/ui/bits";
import { IconButton } from "@/ui/Button";
import { ChannelIcon, useChannels, useLook } from "@/ui/Channel";
import { Archive, BellOff, ChevronRight, Filter, X } from "@/ui/icons";
import { Menu, MENU, MenuChoice, MenuItem, MenuLabel, MenuLine } from "@/ui/Menu";

function Sub({ title, children }: { title: string; children: ReactNode }) {
  return (
    <DropdownMenu.Sub>
      <DropdownMenu.SubTrigger className="flex min-h-8 cursor-pointer items-center gap-2 rounded-lg px-2.5 py-1.5 text-sm outline-none data-highlighted:bg-hover data-[state=open]:bg-hover">
        <span className="flex-1">{title}</span>
        <ChevronRight size={15} className="text-mute rtl:-scale-x-100" aria-hidden />
      </DropdownMenu.SubTrigger>
      <DropdownMenu.Portal>
        <DropdownMenu.SubContent
          sideOffset={4}
          collisionPadding={8}
          className={`${MENU} max-h-(--radix-dropdown-menu-content-available-height)`}
        >
          {children}
        </DropdownMenu.SubContent>
      </DropdownMenu.Portal>
    </DropdownMenu.Sub>
  );
}

const Line = ({ icon, text }: { icon: ReactNode; text: string }) => (
  <span className="flex items-center gap-2">
    {icon}
    <span dir="auto">{text}</span>
  </span>
);

export function FilterMenu({ view, search }: { view: View; search: ListSearch }) {
  const channels = useChannels();
  const inboxes = useRows("inboxes");
  const users = useRows("users");
  const labels = useRows("labels");
  const used = channels.filter((channel) => inboxes.some((inbox) => inbox.channel === channel.name));
  const active = [search.channel, search.inbox, search.assignee, search.label].filter(
    (value) => value !== undefined,
  ).length;
  const flip = <K extends keyof ListSearch>(name: K, wanted: ListSearch[K]) =>
    setFilters({ [name]: search[name] === wanted ? undefined : wanted });
  return (
    <Menu
      align="end"
      trigger={
        <IconButton
          label={active ? t("filter.active", { count: active }) : t("filter")}
          icon={Filter}
          active={active > 0}
        />
      }
    >
      <Sub title={t("filter.channel")}>
        {used.map((channel) => (
          <MenuChoice
            key={channel.name}
            checked={search.channel === channel.name}
            onSelect={() => flip("channel", channel.name)}
          >
            <Line icon={<ChannelIcon name={channel.name} own />} text={channel.title} />
          </MenuChoice>
        ))}
      </Sub>
      <Sub title={t("filter.inbox")}>
        {inboxes.map((inbox) => (
          <MenuChoice key={inbox.id} checked={search.inbox === inbox.id} onSelect={() => flip("inbox", inbox.id)}>
            <Line icon={<ChannelIcon name={inbox.channel} own />} text={inbox.name} />
          </MenuChoice>
        ))}
      </Sub>
      <Sub title={t("filter.assignee")}>
        {users.map((user) => (
          <MenuChoice key={user.id} checked={search.assignee === user.id} onSelect={() => flip("assignee", user.id)}>
            <Line icon={<Avatar name={user.name} size={18} />} text={user.name} />
          </MenuChoice>
        ))}
      </Sub>
      <Sub title={t("filter.label")}>
        {labels.length === 0 && <MenuLabel>{t("label.none")}</MenuLabel>}
        {labels.map((label) => (
          <MenuChoice key={label.id} checked={search.label === label.id} onSelect={() => flip("label", label.id)}>
            <Line
              icon={<i aria-hidden className="size-3 rounded-[3px]" style={{ background: label.colour }} />}
              text={label.name}
            />
          </MenuChoice>
        ))}
      </Sub>
      <MenuLine />
      <MenuItem icon={BellOff} onSelect={() => openView(view === "snoozed" ? "all" : "snoozed")}>
        {t("tab.snoozed")}
      </MenuItem>
      <MenuItem icon={Archive} onSelect={() => openView(view === "closed" ? "all" : "closed")}>
        {t("tab.closed")}
      </MenuItem>
      {active > 0 && (
        <>
          <MenuLine />
          <MenuItem
            icon={X}
            onSelect={() => setFilters({ channel: undefined, inbox: undefined, assignee: undefined, label: undefined })}
          >
            {t("filter.clear")}
          </MenuItem>
        </>
      )}
    </Menu>
  );
}

function Chip({ text, onRemove }: { text: string; onRemove: () => void }) {
  return (
    <span className="inline-flex h-6 items-center gap-1 rounded-md bg-sel ps-2 pe-1 text-xs text-ink">
      <span dir="auto" className="max-w-40 truncate">
        {text}
      </span>
      <button
        type="button"
        aria-label={t("remove.named", { name: text })}
        onClick={onRemove}
        className="grid size-5 place-items-center rounded text-mute hover:text-ink"
      >
        <X size={12} aria-hidden />
      </button>
    </span>
  );
}

/** What narrows the list right now, each with a way to take it off. */
export function FilterChips({ view, search }: { view: View; search: ListSearch }) {
  const channel = useLook(search.channel).title;
  const inbox = useRow("inboxes", search.inbox)?.name;
  const assignee = useRow("users", search.assignee)?.name;
  const label = useRow("labels", search.label)?.name;
  const chips = [
    (view === "snoozed" || view === "closed") && { text: t(`tab.${view}`), remove: () => openView("all") },
    search.channel && { text: channel, remove: () => setFilters({ channel: undefined }) },
    inbox && { text: inbox, remove: () => setFilters({ inbox: undefined }) },
    assignee && { text: assignee, remove: () => setFilters({ assignee: undefined }) },
    label && { text: label, remove: () => setFilters({ label: undefined }) },
  ].filter((chip): chip is { text: string; remove: () => void } => Boolean(chip));
  if (chips.length === 0) return null;
  return (
    <div className="flex flex-wrap gap-1">
      {chips.map((chip) => (
        <Chip key={chip.text} text={chip.text} onRemove={chip.remove} />
      ))}
    </div>
  );
}
