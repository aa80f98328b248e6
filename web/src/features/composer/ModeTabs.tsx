import type { KeyboardEvent } from "react";
import { keysOf } from "@/actions/registry";
import type { DraftMode } from "@/api/types";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { Lock } from "@/ui/icons";
import { Tip } from "@/ui/Tooltip";

const MODES: readonly DraftMode[] = ["reply", "comment"];

interface ModeTabsProps {
  mode: DraftMode;
  drafted: Record<DraftMode, boolean>;
  onChange: (mode: DraftMode) => void;
}

export function ModeTabs({ mode, drafted, onChange }: ModeTabsProps) {
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    const next = mode === "reply" ? "comment" : "reply";
    onChange(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-mode="${next}"]`)?.focus();
  };
  return (
    <div role="tablist" aria-label={t("composer.mode")} onKeyDown={onKeyDown} className="flex gap-0.5">
      {MODES.map((name) => (
        <Tip key={name} text={t(`cmd.${name}`)} keys={keysOf(name)} side="top">
          <button
            type="button"
            role="tab"
            data-mode={name}
            aria-selected={mode === name}
            tabIndex={mode === name ? 0 : -1}
            onClick={() => onChange(name)}
            className={classes(
              "flex h-7 items-center gap-1.5 rounded-lg px-2.5 text-xs font-medium",
              mode === name
                ? name === "comment"
                  ? "bg-noteline/50 text-noteink"
                  : "bg-sel text-accent"
                : mode === "comment"
                  ? "text-noteink hover:bg-noteline/25"
                  : "text-mute hover:bg-hover",
            )}
          >
            {name === "comment" && <Lock size={12} aria-hidden />}
            {t(name)}
            {drafted[name] && mode !== name && (
              <i aria-label={t("row.draft")} className="size-1.5 rounded-full bg-bad" />
            )}
          </button>
        </Tip>
      ))}
    </div>
  );
}
