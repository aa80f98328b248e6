// Every command once: the palette, the keys, the tooltips and the shortcut sheet are read from this list.
import { t, type Key } from "@/i18n";
import { unreadOf } from "@/sync/rules";
import { store } from "@/sync/store";
import { canUndo, undoLast } from "@/ui/toasts";
import * as verbs from "./conversations";
import { go, openConversation, openView, where } from "./go";
import * as screen from "./screen";

export type Group = "go" | "conversation" | "write" | "select" | "app";
export interface Command {
  id: string;
  title: Key;
  group: Group;
  keys?: string;
  /** Offered only while this holds. */
  when?: () => boolean;
  run: () => void;
}

const some = (): boolean => where().onConversations && screen.targets().length > 0;
const one = (): boolean => where().onConversations && screen.openId.get() !== null;
const listed = (): boolean => where().onConversations;
const me = () => store.state.me?.user.id ?? null;

/** Pickers opened by key hang from the matching button of the thread, or of the bulk bar. */
function pick(kind: screen.PickerKind): void {
  const anchor = document.querySelector(`[data-picker="${kind}"]`);
  screen.picker.set({ kind, ids: screen.targets(), anchor });
}

export function togglePanel(): void {
  if (matchMedia("(min-width: 1280px)").matches) screen.panelShown.set((on) => !on);
  else screen.drawerOpen.set((on) => !on);
}

function focusSearch(): void {
  document.querySelector<HTMLInputElement>("[data-search]")?.focus();
}

export async function copyLink(): Promise<void> {
  await navigator.clipboard.writeText(`${location.origin}/conversations/all?c=${screen.openId.get()}`);
}

const settingsPage = (page: string) => () => go({ to: "/settings/$page", params: { page } });

export const COMMANDS: readonly Command[] = [
  { id: "next", title: "cmd.next", group: "go", keys: "j", when: listed, run: () => verbs.step(1) },
  { id: "previous", title: "cmd.previous", group: "go", keys: "k", when: listed, run: () => verbs.step(-1) },
  {
    id: "next-unread",
    title: "cmd.next_unread",
    group: "go",
    keys: "n",
    when: listed,
    run: () => verbs.step(1, (row) => unreadOf(row) > 0),
  },
  {
    id: "previous-unread",
    title: "cmd.previous_unread",
    group: "go",
    keys: "Shift+n",
    when: listed,
    run: () => verbs.step(-1, (row) => unreadOf(row) > 0),
  },
  { id: "search", title: "cmd.search", group: "go", keys: "/", when: listed, run: focusSearch },
  {
    id: "find",
    title: "cmd.find",
    group: "conversation",
    keys: "Mod+f",
    // Pressed once more it is the browser's own.
    when: () => one() && !screen.finding.get(),
    run: () => screen.finding.set(true),
  },
  { id: "go-all", title: "cmd.go_all", group: "go", keys: "g i", run: () => openView("all") },
  { id: "go-unread", title: "cmd.go_unread", group: "go", keys: "g u", run: () => openView("unread") },
  { id: "go-mine", title: "cmd.go_mine", group: "go", keys: "g m", run: () => openView("mine") },
  { id: "go-unassigned", title: "cmd.go_unassigned", group: "go", keys: "g a", run: () => openView("unassigned") },
  { id: "go-starred", title: "cmd.go_starred", group: "go", keys: "g s", run: () => openView("starred") },
  {
    id: "go-contacts",
    title: "cmd.go_contacts",
    group: "go",
    keys: "g c",
    run: () => go({ to: "/contacts", search: {} }),
  },
  { id: "go-scheduled", title: "cmd.go_scheduled", group: "go", keys: "g l", run: () => go({ to: "/scheduled" }) },
  { id: "go-settings", title: "cmd.go_settings", group: "go", keys: "g ,", run: settingsPage("inboxes") },

  {
    id: "done",
    title: "cmd.done",
    group: "conversation",
    keys: "e",
    when: some,
    run: () => verbs.toggleDone(screen.targets()),
  },
  { id: "snooze", title: "cmd.snooze", group: "conversation", keys: "h", when: some, run: () => pick("snooze") },
  { id: "assign", title: "cmd.assign", group: "conversation", keys: "a", when: some, run: () => pick("assign") },
  {
    id: "assign-me",
    title: "cmd.assign_me",
    group: "conversation",
    keys: "i",
    when: some,
    run: () => verbs.assign(screen.targets(), me()),
  },
  { id: "label", title: "cmd.label", group: "conversation", keys: "l", when: some, run: () => pick("label") },
  {
    id: "star",
    title: "cmd.star",
    group: "conversation",
    keys: "s",
    when: some,
    run: () => verbs.toggleStar(screen.targets()),
  },
  {
    id: "unread",
    title: "cmd.unread",
    group: "conversation",
    keys: "u",
    when: some,
    run: () => void verbs.markUnread(screen.targets()),
  },
  { id: "copy-link", title: "cmd.copy_link", group: "conversation", keys: "y", when: one, run: () => void copyLink() },
  { id: "panel", title: "cmd.panel", group: "conversation", keys: ".", when: one, run: togglePanel },

  { id: "reply", title: "cmd.reply", group: "write", keys: "r", when: one, run: () => screen.callComposer("reply") },
  {
    id: "comment",
    title: "cmd.comment",
    group: "write",
    keys: "m",
    when: one,
    run: () => screen.callComposer("comment"),
  },
  { id: "new", title: "cmd.new", group: "write", keys: "c", run: () => screen.overlay.set("new") },

  {
    id: "tick",
    title: "cmd.tick",
    group: "select",
    keys: "x",
    when: one,
    run: () => verbs.tick(screen.openId.get() ?? 0),
  },
  {
    id: "tick-all",
    title: "cmd.tick_all",
    group: "select",
    keys: "* a",
    when: listed,
    run: () => screen.selection.set(new Set(screen.listIds.get())),
  },
  { id: "leave", title: "cmd.leave", group: "select", keys: "Escape", when: listed, run: leave },

  { id: "palette", title: "cmd.palette", group: "app", keys: "Mod+k", run: () => screen.overlay.set("palette") },
  { id: "help", title: "cmd.help", group: "app", keys: "?", run: () => screen.overlay.set("help") },
  { id: "undo", title: "cmd.undo", group: "app", keys: "z", when: canUndo, run: undoLast },
  { id: "theme", title: "cmd.theme", group: "app", run: flipTheme },
  { id: "inboxes", title: "cmd.inboxes", group: "app", run: settingsPage("inboxes") },
  { id: "labels", title: "cmd.labels", group: "app", run: settingsPage("labels") },
  { id: "profile", title: "cmd.profile", group: "app", run: settingsPage("profile") },
];

function leave(): void {
  if (screen.selection.get().size > 0) screen.selection.set(new Set());
  else if (screen.drawerOpen.get()) screen.drawerOpen.set(false);
  else if (screen.openId.get() !== null) openConversation(null);
}

export function flipTheme(): void {
  screen.setTheme(document.documentElement.dataset["theme"] === "dark" ? "light" : "dark");
}

const byId = new Map(COMMANDS.map((command) => [command.id, command]));
export const keysOf = (id: string): string | undefined => byId.get(id)?.keys;
export const titleOf = (command: Command): string => t(command.title);
export const available = (command: Command): boolean => command.when?.() ?? true;
