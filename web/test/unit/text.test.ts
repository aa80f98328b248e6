import { expect, it } from "vitest";
import { hue, initials, linkify, quoted } from "@/lib/text";

it("finds links, and only harmless ones", () => {
  expect(
    linkify("See https://example.org/a?b=1. Or www.example.org, or me@example.org!").filter((piece) => piece.href),
  ).toEqual([
    { text: "https://example.org/a?b=1", href: "https://example.org/a?b=1" },
    { text: "www.example.org", href: "https://www.example.org" },
    { text: "me@example.org", href: "mailto:me@example.org" },
  ]);
  expect(linkify("javascript:alert(1) data:text/html,x").some((piece) => piece.href)).toBe(false);
});

it("loses no character of the text", () => {
  const text = "a (https://example.org/x) b\n<www.example.org> c";
  expect(
    linkify(text)
      .map((piece) => piece.text)
      .join(""),
  ).toBe(text);
});

it("knows initials of any script", () => {
  expect([initials("Dana Whitfield"), initials("سارة المنصوري"), initials("  "), initials("x")]).toEqual([
    "DW",
    "سا",
    "?",
    "X",
  ]);
});

it("gives a name the same hue every time", () => {
  expect(hue("Dana")).toBe(hue("Dana"));
  expect(hue("Dana")).not.toBe(hue("Luis"));
});

it("tells the quoted history from the answer", () => {
  expect(quoted("Yes\n\n> Really?", "Yes")).toBe("> Really?");
  expect(quoted("Yes", "Yes")).toBeNull();
  expect(quoted("Yes", null)).toBeNull();
});
