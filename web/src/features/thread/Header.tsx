import { done, reopen, setLabel, toggleStar, markUnread } from "@/actions/conversations";
import { openConversation, setFilters } from "@/actions/go";
import { copyLink, keysOf, togglePanel } from "@/actions/registry";
import { finding, panelShown, picker, type PickerKind } from "@/actions/screen";
import type { Id } from "@/api/types";
import { t } from "@/i18n";
import { usePhone } from "@/lib/useMedia";
import { mediumTime } from "@/lib/time";
import { useMe, useRow, useRows } from "@/sync/store";
import { usePresence } from "@/sync/whispers";
import { Avatar, LabelChip } from "@/ui/bits";
import { Button, IconButton } from "@/ui/Button";
import {
  ArrowLeft,
  BellOff,
  Check,
  Copy,
  Ellipsis,
  Mail,
  Merge,
  PanelRight,
  RotateCcw,
  Search,
  Star,
  Tag,
  UserPlus,
} from "@/ui/icons";
import { Menu, MenuItem, MenuLine } from "@/ui/Menu";
import { Tip } from "@/ui/Tooltip";
import { useState } from "react";
import { MergeDialog } from "./MergeDialog";

const open = (kind: PickerKind, id: Id) => (event: React.MouseEvent) =>
  picker.set({ kind, ids: [id], anchor: event.currentTarget });

/** Teammates who look at the same conversation. */
function Others({ id }: { id: Id }) {
  const me = useMe().user.id;
  const presence = usePresence(id);
  const users = useRows("users");
  const here = users.filter(
    (user) => user.id !== me && (presence.viewing.includes(user.id) || presence.typing.includes(user.id)),
  );
  return (
    <>
      {here.map((user) => (
        <Tip
          key={user.id}
          text={t(presence.typing.includes(user.id) ? "typing.teammate" : "viewing", { name: user.name })}
        >
          <span className="rounded-full ring-2 ring-accent">
            <Avatar name={user.name} size={22} />
          </span>
        </Tip>
      ))}
    </>
  );
}

export function Header({ id }: { id: Id }) {
  const row = useRow("conversations", id);
  const assignee = useRow("users", row?.assignee_id);
  const team = useRow("teams", row?.team_id);
  const labels = useRows("labels");
  const phone = usePhone();
  const shown = panelShown.use();
  const [merging, setMerging] = useState(false);
  if (!row) return <header className="h-15 shrink-0 border-b border-line bg-panel" />;
  const closed = row.status === "closed";
  const ids = [id];
  const Title = phone ? "h1" : "h2";
  const showContact = () => (phone ? setFilters({ pane: "contact" }) : togglePanel());
  return (
    <header className="flex shrink-0 flex-col border-b border-line bg-panel">
      <Title className="sr-only">{t("thread.with", { name: row.contact.name })}</Title>
      <div className="flex h-15 items-center gap-1 ps-2 pe-3 sm:gap-1.5 sm:ps-4">
        {phone && (
          <IconButton
            label={t("back")}
            icon={ArrowLeft}
            className="rtl:-scale-x-100"
            onClick={() => openConversation(null)}
          />
        )}
        <button
          type="button"
          onClick={showContact}
          className="flex min-w-0 items-center gap-2.5 rounded-lg text-start"
          title={t("thread.contact", { name: row.contact.name })}
        >
          <Avatar name={row.contact.name} size={34} />
          <span className="min-w-0">
            <bdi className="block truncate text-base leading-5 font-semibold">{row.contact.name}</bdi>
            <span className="block truncate text-2xs text-mute">
              {closed
                ? t("status.closed")
                : row.status === "snoozed" && row.snoozed_until
                  ? t("status.snoozed", { time: mediumTime(row.snoozed_until) })
                  : (row.subject ?? t("status.open"))}
            </span>
          </span>
        </button>
        <div className="ms-auto flex items-center gap-0.5 sm:gap-1">
          <Others id={id} />
          <Tip text={t("cmd.assign")} keys={keysOf("assign")}>
            <button
              type="button"
              data-picker="assign"
              onClick={open("assign", id)}
              className="flex h-8 max-w-40 items-center gap-1.5 rounded-lg px-2 text-xs font-medium text-mute hover:bg-hover hover:text-ink"
            >
              {assignee ? <Avatar name={assignee.name} size={20} /> : <UserPlus size={16} aria-hidden />}
              <span className="truncate max-sm:sr-only">{assignee?.name ?? team?.name ?? t("assign.nobody")}</span>
            </button>
          </Tip>
          {!phone && (
            <>
              <IconButton
                data-picker="label"
                label={t("cmd.label")}
                keys={keysOf("label")}
                icon={Tag}
                onClick={open("label", id)}
              />
              <IconButton
                label={row.my?.starred ? t("unstar") : t("cmd.star")}
                keys={keysOf("star")}
                icon={Star}
                onClick={() => toggleStar(ids)}
                className={row.my?.starred ? "[&_svg]:fill-warn [&_svg]:text-warn" : ""}
              />
              <IconButton
                data-picker="snooze"
                label={t("cmd.snooze")}
                keys={keysOf("snooze")}
                icon={BellOff}
                onClick={open("snooze", id)}
              />
            </>
          )}
          <Tip text={closed ? t("reopen") : t("cmd.done")} keys={keysOf("done")}>
            <Button
              tone={closed ? "plain" : "primary"}
              small
              className="ms-1 h-8 px-3"
              icon={closed ? RotateCcw : Check}
              onClick={() => (closed ? reopen(ids) : done(ids))}
            >
              {closed ? t("reopen") : t("done")}
            </Button>
          </Tip>
          <Menu align="end" trigger={<IconButton label={t("more")} icon={Ellipsis} />}>
            {phone && (
              <>
                <MenuItem icon={Star} onSelect={() => toggleStar(ids)}>
                  {row.my?.starred ? t("unstar") : t("cmd.star")}
                </MenuItem>
                <MenuItem icon={BellOff} onSelect={() => picker.set({ kind: "snooze", ids, anchor: null })}>
                  {t("cmd.snooze")}
                </MenuItem>
                <MenuItem icon={Tag} onSelect={() => picker.set({ kind: "label", ids, anchor: null })}>
                  {t("cmd.label")}
                </MenuItem>
                <MenuLine />
              </>
            )}
            <MenuItem icon={Mail} keys={keysOf("unread")} onSelect={() => void markUnread(ids)}>
              {t("cmd.unread")}
            </MenuItem>
            <MenuItem icon={Search} keys={keysOf("find")} onSelect={() => finding.set(true)}>
              {t("cmd.find")}
            </MenuItem>
            <MenuItem icon={Copy} keys={keysOf("copy-link")} onSelect={() => void copyLink()}>
              {t("cmd.copy_link")}
            </MenuItem>
            <MenuItem icon={Merge} onSelect={() => setMerging(true)}>
              {t("merge.open")}
            </MenuItem>
          </Menu>
          {!phone && (
            <IconButton
              label={t("cmd.panel")}
              keys={keysOf("panel")}
              icon={PanelRight}
              active={shown}
              className="rtl:-scale-x-100"
              onClick={togglePanel}
            />
          )}
        </div>
      </div>
      {row.labels.length > 0 && (
        <div className="flex flex-wrap gap-1 px-3 pb-2 sm:px-4">
          {labels
            .filter((label) => row.labels.includes(label.id))
            .map((label) => (
              <LabelChip key={label.id} label={label} onRemove={() => void setLabel(ids, label.id, false)} />
            ))}
        </div>
      )}
      {merging && <MergeDialog conversation={row} onClose={() => setMerging(false)} />}
    </header>
  );
}
