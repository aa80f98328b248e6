// The settings form of a channel, from its manifest alone.
import type { Setting } from "@/api/types";

/** What the form holds per field: text for everything but switches and lists. */
export type Values = Record<string, string | boolean>;

export const isShown = (setting: Setting, values: Values, all: readonly Setting[]): boolean => {
  if (!setting.when) return true;
  const [name, wanted] = setting.when;
  const other = all.find((one) => one.name === name);
  if (other && !isShown(other, values, all)) return false;
  return wanted.includes(String(values[name] ?? ""));
};

export function startingValues(settings: readonly Setting[], known: Record<string, unknown> = {}): Values {
  return Object.fromEntries(
    settings.map((setting) => [setting.name, toField(setting, known[setting.name] ?? setting.default)]),
  );
}

function toField(setting: Setting, value: unknown): string | boolean {
  if (setting.kind === "bool") return value === true;
  if (setting.kind === "secret") return "";
  if (Array.isArray(value)) return value.join("\n");
  if (setting.kind === "json" && value !== null && value !== undefined && value !== "")
    return JSON.stringify(value, null, 2);
  return value === null || value === undefined ? "" : String(value);
}

/** The settings to send. Hidden fields and untouched secrets stay out. Throws a sentence when a field cannot be read. */
export function toSettings(settings: readonly Setting[], values: Values): Record<string, unknown> {
  const sent: Record<string, unknown> = {};
  for (const setting of settings) {
    if (!isShown(setting, values, settings)) continue;
    const value = values[setting.name];
    if (setting.kind === "secret" && value === "") continue;
    sent[setting.name] = fromField(setting, value);
  }
  return sent;
}

function fromField(setting: Setting, value: string | boolean | undefined): unknown {
  if (typeof value !== "string") return value ?? false;
  if (setting.kind === "number") return value.trim() === "" ? null : Number(value);
  if (setting.kind === "list")
    return value
      .split(/[\n,]/)
      .map((one) => one.trim())
      .filter(Boolean);
  if (setting.kind === "json") return value.trim() === "" ? null : (JSON.parse(value) as unknown);
  return value;
}
