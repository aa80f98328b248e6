// The state of the screen that commands read and change. Nothing here comes from the server.
import type { Id } from "@/api/types";
import { remembered, value } from "@/lib/value";

/** The conversation on screen. */
export const openId = value<Id | null>(null);
/** The list as it is shown, top to bottom. */
export const listIds = value<readonly Id[]>([]);
export const selection = value<ReadonlySet<Id>>(new Set());

export type PickerKind = "assign" | "label" | "snooze";
export interface OpenPicker {
  kind: PickerKind;
  ids: readonly Id[];
  /** What it hangs from; the middle of the screen when absent. */
  anchor: Element | null;
}
export const picker = value<OpenPicker | null>(null);

export type Overlay = "palette" | "help" | "new" | null;
export const overlay = value<Overlay>(null);
/** Whether the text of the open conversation is searched. */
export const finding = value(false);
/** What is typed into the palette, from the key that opens it on: its field may not be there yet. */
export const paletteText = value("");

/** The contact panel: kept beside the thread on wide screens, a drawer on narrower ones. */
export const panelShown = remembered("panel", true);
export const drawerOpen = value(false);
export const listWidth = remembered("list-width", 348);
export const panelWidth = remembered("panel-width", 308);

/** Whether this person formats the messages that can be formatted. */
export const richText = remembered("rich", false);

export type Theme = "system" | "light" | "dark";
export const theme = value<Theme>(readTheme());

function readTheme(): Theme {
  const saved = localStorage.getItem("frontdesk.theme");
  return saved === "light" || saved === "dark" ? saved : "system";
}

export function setTheme(next: Theme): void {
  if (next === "system") localStorage.removeItem("frontdesk.theme");
  else localStorage.setItem("frontdesk.theme", next);
  theme.set(next);
  paintTheme();
}

export function paintTheme(): void {
  const dark =
    theme.get() === "dark" || (theme.get() === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
}

/** Asks the composer to take the focus, in one of its modes. */
export const composerCall = value<{ mode: "reply" | "comment"; count: number }>({ mode: "reply", count: 0 });
export const callComposer = (mode: "reply" | "comment"): void =>
  composerCall.set((now) => ({ mode, count: now.count + 1 }));

/** What the commands act on: the ticked rows, else the open conversation. */
export function targets(): readonly Id[] {
  const ticked = selection.get();
  if (ticked.size > 0) return [...ticked];
  const open = openId.get();
  return open === null ? [] : [open];
}
