import { describe, expect, it } from "vitest";
import { isBusy, isSingle, strokeOf } from "@/actions/keys";
import { COMMANDS } from "@/actions/registry";
import en from "@/i18n/en.json";

const stroke = (init: KeyboardEventInit) => strokeOf(new KeyboardEvent("keydown", init));

describe("keys", () => {
  it("are spelled the same on every layout", () => {
    expect(stroke({ key: "j", code: "KeyJ" })).toBe("j");
    expect(stroke({ key: "о", code: "KeyJ" })).toBe("j");
    expect(stroke({ key: "N", code: "KeyN", shiftKey: true })).toBe("Shift+n");
    expect(stroke({ key: "?", code: "Slash", shiftKey: true })).toBe("?");
    expect(stroke({ key: "k", code: "KeyK", ctrlKey: true })).toBe("Mod+k");
  });

  it("stay out of fields and dialogs", () => {
    document.body.innerHTML = `<textarea></textarea><div role="dialog"><button></button></div><button id="b"></button>`;
    expect(isBusy(document.querySelector("textarea"))).toBe(true);
    expect(isBusy(document.querySelector("[role=dialog] button"))).toBe(true);
    expect(isBusy(document.querySelector("#b"))).toBe(false);
  });

  it("tell single keys from combinations", () => {
    expect(["e", "Shift+n", "g i", "Mod+k", "Alt+1"].map(isSingle)).toEqual([true, true, true, false, false]);
  });
});

describe("the registry", () => {
  it("uses no key twice", () => {
    const keys = COMMANDS.map((command) => command.keys).filter(Boolean);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("has no single key that begins a sequence", () => {
    const starts = COMMANDS.flatMap((command) => (command.keys?.includes(" ") ? [command.keys.split(" ")[0]] : []));
    expect(COMMANDS.filter((command) => starts.includes(command.keys ?? ""))).toEqual([]);
  });

  it("names every command in words", () => {
    for (const command of COMMANDS) expect(en).toHaveProperty([command.title]);
  });
});
