import { useEffect } from "react";
import { t } from "@/i18n";
import { classes } from "@/lib/text";
import { value } from "@/lib/value";
import { X } from "./icons";

export interface Toast {
  text: string;
  tone?: "plain" | "bad";
  undo?: () => void;
}
interface Shown extends Toast {
  id: number;
}

const LASTS_MS = 6_000;
const shown = value<readonly Shown[]>([]);
const lastUndo = value<(() => void) | null>(null);
let count = 0;

export function toast(item: Toast): void {
  const id = ++count;
  shown.set((all) => [...all.slice(-2), { ...item, id }]);
  if (item.undo) lastUndo.set(() => item.undo ?? null);
}

const close = (id: number) => shown.set((all) => all.filter((item) => item.id !== id));

/** Takes back the last thing that offered it. */
export function undoLast(): void {
  lastUndo.get()?.();
  lastUndo.set(null);
  shown.set((all) => all.filter((item) => !item.undo));
}
export const canUndo = (): boolean => lastUndo.get() !== null;

function One({ item }: { item: Shown }) {
  useEffect(() => {
    const timer = setTimeout(() => close(item.id), item.tone === "bad" ? LASTS_MS * 2 : LASTS_MS);
    return () => clearTimeout(timer);
  }, [item.id, item.tone]);
  return (
    <div
      className={classes(
        "pop pointer-events-auto flex max-w-md items-center gap-3 rounded-xl py-2 ps-4 pe-2 text-sm shadow-pop",
        item.tone === "bad" ? "border border-bad bg-bad-soft text-bad" : "bg-ink text-bg",
      )}
    >
      <span dir="auto">{item.text}</span>
      {item.undo && (
        <button
          type="button"
          className="rounded px-2 py-1 font-semibold underline underline-offset-2"
          onClick={undoLast}
        >
          {t("undo")}
        </button>
      )}
      <button
        type="button"
        aria-label={t("close")}
        className="grid size-7 place-items-center rounded opacity-80 hover:opacity-100"
        onClick={() => close(item.id)}
      >
        <X size={14} aria-hidden />
      </button>
    </div>
  );
}

export function ToastHost() {
  const items = shown.use();
  return (
    <div
      role="region"
      aria-label={t("notices")}
      aria-live="polite"
      // Above the composer, which goes on being used, and not over the list, which holds still under the pointer.
      className="pointer-events-none fixed inset-x-3 bottom-20 z-60 flex flex-col items-center gap-2 sm:bottom-44"
    >
      {items.map((item) => (
        <One key={item.id} item={item} />
      ))}
    </div>
  );
}
