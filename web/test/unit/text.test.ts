import { expect, it } from "vitest";
import { addressesBeside, brief, hue, initials, linkify, quoted } from "@/lib/text";

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

const SCRAPS =
  "https:// HTTP://a javascript: data:text/html, www. www.a.b mailto: @ a@b.c a. .. - + _ % \" ' < > ( ) [ ] } » & ; : / \\ \n \t é 😀 \u200b \u202e \0 x".split(
    " ",
  );

/** A text of scraps, the same for the same number (mulberry32). */
function scrambled(seed: number): string {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return Array.from({ length: 40 }, () => SCRAPS[Math.floor(random() * SCRAPS.length)]).join(random() < 0.3 ? " " : "");
}

it("keeps every character of any text, and links only to the web and to mail", () => {
  for (let seed = 0; seed < 5_000; seed++) {
    const text = scrambled(seed);
    const pieces = linkify(text);
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    for (const { href } of pieces) if (href !== undefined) expect(href).toMatch(/^(https?:\/\/|mailto:)/i);
  }
});

it("costs a long text its length, not its square", () => {
  const cost = (text: string) => {
    const begun = performance.now();
    linkify(text);
    return performance.now() - begun;
  };
  for (const pump of ["a.", "a-", "+a", "a@", "www.", "http://", "a@b."]) {
    const small = Math.max(4, cost(pump.repeat(10_000)));
    expect(cost(pump.repeat(40_000)), pump).toBeLessThan(50 * small);
  }
  expect(cost(`https://a${".".repeat(100_000)}x`)).toBeLessThan(2000);
});

it("shortens a name between its letters", () => {
  expect(brief("Ada Example")).toBe("Ada Example");
  expect(brief("👩‍👩‍👧‍👦".repeat(50))).toBe("👩‍👩‍👧‍👦".repeat(40));
  expect(brief("x".repeat(39) + " y")).toBe("x".repeat(39));
});

it("says an address once when it stands in for the name", () => {
  const points = [{ display: "+1 202-555-0150" }, { display: "ada@example.org" }];
  expect(addressesBeside({ name: "+1 202-555-0150", points })).toEqual(["ada@example.org"]);
  expect(addressesBeside({ name: "Ada", points })).toHaveLength(2);
});
