import { useState } from "react";
import { t } from "@/i18n";
import { mediumTime, ownZone, presets } from "@/lib/time";
import { Button } from "@/ui/Button";
import { AlarmClock, Check, ChevronDown, Send } from "@/ui/icons";
import { Menu, MenuItem, MenuLabel, MenuLine } from "@/ui/Menu";
import { WhenDialog } from "@/features/scheduled/WhenDialog";

interface SendButtonProps {
  disabled: boolean;
  /** The contact's time zone, if it is known. */
  zone: string | null;
  onSend: (how: { due?: Date; done?: boolean }) => void;
}

export function SendButton({ disabled, zone, onSend }: SendButtonProps) {
  const [asking, setAsking] = useState(false);
  const theirs = zone ?? ownZone();
  return (
    <span className="flex">
      <Button
        tone="primary"
        icon={Send}
        disabled={disabled}
        onClick={() => onSend({})}
        className="rounded-e-none [&_svg]:rtl:-scale-x-100"
      >
        {t("send")}
      </Button>
      <Menu
        align="end"
        side="top"
        trigger={
          <button
            type="button"
            aria-label={t("send.more")}
            disabled={disabled}
            className="grid h-9 w-8 place-items-center rounded-e-lg border-s border-accentink/30 bg-accent text-accentink hover:bg-accent-hover disabled:opacity-55"
          >
            <ChevronDown size={15} aria-hidden />
          </button>
        }
      >
        <MenuItem icon={Check} keys="Mod+Shift+Enter" onSelect={() => onSend({ done: true })}>
          {t("send.done")}
        </MenuItem>
        <MenuLine />
        <MenuLabel>{zone && zone !== ownZone() ? t("send.later_theirs", { zone }) : t("send.later")}</MenuLabel>
        {presets(theirs).map((preset) => (
          <MenuItem key={preset.id} icon={AlarmClock} onSelect={() => onSend({ due: preset.at })}>
            <span className="flex justify-between gap-4">
              {t(`preset.${preset.id}`)}
              <span className="text-mute">{mediumTime(preset.at, theirs)}</span>
            </span>
          </MenuItem>
        ))}
        <MenuItem icon={AlarmClock} onSelect={() => setAsking(true)}>
          {t("send.pick")}
        </MenuItem>
      </Menu>
      {asking && (
        <WhenDialog
          zone={theirs}
          onClose={() => setAsking(false)}
          onPick={(due) => {
            setAsking(false);
            onSend({ due });
          }}
        />
      )}
    </span>
  );
}
