// Keys as they are written in the registry: "j", "Shift+E", "Mod+k", or a sequence "g i".

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

const NAMES: Record<string, string> = {
  Mod: isMac ? "⌘" : "Ctrl",
  Shift: isMac ? "⇧" : "Shift",
  Alt: isMac ? "⌥" : "Alt",
  Enter: "↵",
  Escape: "Esc",
  ArrowUp: "↑",
  ArrowDown: "↓",
};

/** The caps to draw for a combination or sequence. */
export const keyParts = (keys: string): string[] =>
  keys
    .split(" ")
    .flatMap((stroke) => stroke.split("+"))
    .map((part) => NAMES[part] ?? (part.length === 1 ? part.toLocaleUpperCase() : part));

/** One stroke in registry spelling. On keyboards without Latin letters the place of the key counts. */
export function strokeOf(event: KeyboardEvent): string {
  let key = event.key;
  const place = /^Key([A-Z])$/.exec(event.code)?.[1];
  if (place && !/^[\x20-\x7e]$/.test(key)) key = place.toLowerCase();
  const mod = isMac ? event.metaKey : event.ctrlKey;
  if (key === " ") key = "Space";
  const letter = /^[a-z]$/i.test(key);
  if (letter) key = key.toLowerCase();
  const shift = event.shiftKey && (letter || key.length > 1);
  return [mod && "Mod", event.altKey && "Alt", shift && "Shift", key].filter(Boolean).join("+");
}

export const isSingle = (keys: string): boolean => !/(^|\+)(Mod|Alt)\+/.test(keys);

/** Is the person writing, or inside a dialog or menu of its own? */
export function isBusy(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.closest(
      "input:not([type=checkbox]), textarea, select, [role=dialog], [role=alertdialog], [role=menu], [role=listbox]",
    ) !== null
  );
}
