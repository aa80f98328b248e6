import type { KeyboardEvent } from "react";
import { openView } from "@/actions/go";
import { keysOf } from "@/actions/registry";
import type { View } from "@/api/types";
import { t } from "@/i18n";
import { capped, classes } from "@/lib/text";
import { COUNTED } from "@/sync/rules";
import { useCounts } from "@/sync/store";
import { Tip } from "@/ui/Tooltip";

export function Tabs({ view }: { view: View }) {
  const counts = useCounts();
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const rtl = document.documentElement.dir === "rtl" ? -1 : 1;
    const at = COUNTED.findIndex((name) => name === view);
    const next = COUNTED[(at + step * rtl + COUNTED.length) % COUNTED.length] ?? "all";
    openView(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-view="${next}"]`)?.focus();
  };
  const none = !COUNTED.some((name) => name === view);
  return (
    <div
      role="tablist"
      aria-label={t("tabs")}
      onKeyDown={onKeyDown}
      className="mb-1 flex h-11 shrink-0 items-stretch gap-0.5 border-b border-line px-2"
    >
      {COUNTED.map((name, index) => {
        const here = name === view;
        const count = counts?.[name];
        return (
          <Tip key={name} text={t(`tab.${name}`)} keys={keysOf(`go-${name}`)}>
            <button
              type="button"
              role="tab"
              data-view={name}
              aria-selected={here}
              tabIndex={here || (none && index === 0) ? 0 : -1}
              onClick={() => openView(name)}
              className={classes(
                "relative -mb-px flex min-w-0 flex-auto flex-col items-center justify-center rounded-t-lg border-b-2 px-1 text-xs leading-4 transition-colors",
                here ? "border-accent font-semibold text-ink" : "border-transparent text-mute hover:text-ink",
              )}
            >
              <span className="max-w-full truncate">{t(`tab.${name}`)}</span>
              <span className={classes("text-2xs tabular-nums", here ? "text-accent" : "")}>
                {count === undefined ? "–" : capped(count)}
              </span>
            </button>
          </Tip>
        );
      })}
    </div>
  );
}
