import { describe, expect, it } from "vitest";
import type { Setting } from "@/api/types";
import { isShown, startingValues, toSettings, type Values } from "@/features/settings/manifest";

const setting = (name: string, part: Partial<Setting> = {}): Setting => ({
  name,
  label: name,
  kind: "text",
  required: false,
  default: null,
  choices: [],
  help: "",
  when: null,
  advanced: false,
  ...part,
});

const SETTINGS = [
  setting("how", { kind: "choice", default: "pull" }),
  setting("host", { when: ["how", ["pull"]] }),
  setting("password", { kind: "secret", when: ["how", ["pull"]] }),
  setting("deep", { when: ["host", ["example.org"]] }),
  setting("port", { kind: "number", default: 993 }),
  setting("sites", { kind: "list", default: [] }),
  setting("strict", { kind: "bool", default: true }),
];

describe("the form of a channel", () => {
  it("shows a field only while the other has the value, and never under a hidden one", () => {
    const values: Values = { ...startingValues(SETTINGS), host: "example.org" };
    const shown = (now: Values) => SETTINGS.filter((one) => isShown(one, now, SETTINGS)).map((one) => one.name);
    expect(shown(values)).toEqual(["how", "host", "password", "deep", "port", "sites", "strict"]);
    expect(shown({ ...values, how: "push" })).toEqual(["how", "port", "sites", "strict"]);
  });

  it("sends what is shown, in its own type, and no untouched secret", () => {
    const values: Values = {
      ...startingValues(SETTINGS),
      host: "mail.example.org",
      sites: "a.example\nb.example, c.example",
      port: "587",
      strict: false,
    };
    expect(toSettings(SETTINGS, values)).toEqual({
      how: "pull",
      host: "mail.example.org",
      port: 587,
      sites: ["a.example", "b.example", "c.example"],
      strict: false,
    });
    expect(toSettings(SETTINGS, { ...values, password: "s3cret" })).toMatchObject({ password: "s3cret" });
  });

  it("starts an edit with what is stored, secrets left out", () => {
    expect(startingValues(SETTINGS, { how: "push", port: 25, sites: ["a", "b"] })).toMatchObject({
      how: "push",
      port: "25",
      sites: "a\nb",
      password: "",
    });
  });
});
