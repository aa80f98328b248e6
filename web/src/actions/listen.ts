import { store } from "@/sync/store";
import { isBusy, isSingle, strokeOf } from "./keys";
import { overlay, paletteText } from "./screen";
import { available, COMMANDS } from "./registry";

/** How long the second key of a sequence may take. */
const SEQUENCE_MS = 1_200;

const inDialog = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest("[role=dialog]") !== null;

/** Runs commands by their keys until the returned function is called. */
export function listenToKeys(): () => void {
  let first = "";
  let firstAt = 0;

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const stroke = strokeOf(event);
    if (overlay.get() === "palette" && stroke.length === 1 && !inDialog(event.target)) {
      event.preventDefault();
      paletteText.set((text) => text + event.key);
      return;
    }
    // While another dialog is on its way, no letter means a command.
    const busy = isBusy(event.target) || overlay.get() !== null;
    const singles = store.state.me?.user.preferences?.single_keys !== false;
    const sequence = first && event.timeStamp - firstAt < SEQUENCE_MS ? `${first} ${stroke}` : "";
    const wanted = [sequence, stroke].filter(Boolean);
    // People who turn single keys off reach the same commands with Alt and Shift.
    if (!singles && /^Alt\+Shift\+[a-z]$/.test(stroke)) wanted.push(stroke.slice("Alt+Shift+".length));
    const command = COMMANDS.find(
      (one) =>
        one.keys !== undefined &&
        wanted.includes(one.keys) &&
        (!isSingle(one.keys) || (!busy && (singles || one.keys === "Escape" || stroke.startsWith("Alt+Shift+")))) &&
        available(one),
    );
    if (command && !(command.keys === "Escape" && busy)) {
      event.preventDefault();
      first = "";
      command.run();
    } else {
      first = busy ? "" : stroke;
      firstAt = event.timeStamp;
    }
  };

  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}
