import { done, markRead, markUnread } from "@/actions/conversations";
import { listIds, picker, selection, type PickerKind } from "@/actions/screen";
import type { Id } from "@/api/types";
import { t } from "@/i18n";
import { IconButton } from "@/ui/Button";
import { BellOff, Check, CheckCheck, Mail, Tag, UserPlus, X } from "@/ui/icons";

export function BulkBar({ ids }: { ids: readonly Id[] }) {
  const all = listIds.use();
  const open = (kind: PickerKind) => (event: React.MouseEvent) =>
    picker.set({ kind, ids, anchor: event.currentTarget });
  const clear = () => selection.set(new Set());
  return (
    <div
      role="toolbar"
      aria-label={t("bulk")}
      className="mb-1 flex h-11 shrink-0 items-center gap-0.5 border-b border-line bg-sel px-2"
    >
      <IconButton label={t("bulk.clear")} keys="Escape" icon={X} onClick={clear} />
      <button
        type="button"
        className="me-auto truncate rounded px-1 text-xs font-semibold tabular-nums"
        onClick={() => selection.set(new Set(all))}
        title={t("bulk.all", { count: all.length })}
      >
        {t("bulk.count", { count: ids.length })}
      </button>
      <IconButton label={t("cmd.done")} keys="e" icon={Check} onClick={() => done(ids)} />
      <IconButton data-picker="snooze" label={t("cmd.snooze")} keys="h" icon={BellOff} onClick={open("snooze")} />
      <IconButton data-picker="assign" label={t("cmd.assign")} keys="a" icon={UserPlus} onClick={open("assign")} />
      <IconButton data-picker="label" label={t("cmd.label")} keys="l" icon={Tag} onClick={open("label")} />
      <IconButton
        label={t("bulk.read")}
        icon={CheckCheck}
        onClick={() => {
          void markRead(ids);
          clear();
        }}
      />
      <IconButton
        label={t("cmd.unread")}
        keys="u"
        icon={Mail}
        onClick={() => {
          void markUnread(ids);
          clear();
        }}
      />
    </div>
  );
}
