import { afterEach, expect, it } from "vitest";
import { cut, patternOf, plain, rangesOf, wordsOf } from "@/lib/find";

afterEach(() => document.body.replaceChildren());

it("takes a text as it is written, and any space for any other", () => {
  expect(plain("Is it (really) 5.00?").search(patternOf("(REALLY) 5.0") as RegExp)).toBe(6);
  expect(plain("Ραντεβού αύριο").search(patternOf("αυρΙΟ") as RegExp)).toBe(9);
  expect("one\n  two".search(patternOf("one two") as RegExp)).toBe(0);
  expect("5x00".search(patternOf("5.00") as RegExp)).toBe(-1);
  expect(patternOf("  ")).toBeNull();
});

it("marks what people wrote, each time it stands there, and nothing around it", () => {
  document.body.innerHTML = `<article><span>lamp</span><p dir="auto">A lamp, <a href="#x">Lamp</a></p></article>`;
  const ranges = rangesOf(document.body, patternOf("lamp") as RegExp);
  expect(ranges.map(String)).toEqual(["lamp", "Lamp"]);
});

it("cuts a text where words begin, and loses none of it", () => {
  const hits = (text: string, words: string) => {
    const pieces = cut(text, wordsOf(words));
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    return pieces.filter((piece) => piece.hit).map((piece) => piece.text);
  };
  expect(hits("The Delivery, redelivered. delivery", "deliv")).toEqual(["Deliv", "deliv"]);
  expect(hits("Ραντεβού αύριο ή το ΡΑΝΤΕΒΟΥ", "ραντεβού αυρ")).toEqual(["Ραντεβού", "αύρ", "ΡΑΝΤΕΒΟΥ"]);
  expect(hits("İstanbul, 😀 straße", "istanbul straße")).toEqual(["İstanbul", "straße"]);
  expect(hits("nothing", "(")).toEqual([]);
  expect(hits("", "x")).toEqual([]);
});

it("marks words by their beginnings, as the search of all conversations does", () => {
  document.body.innerHTML = `<article><p dir="auto">Desk lamps, and a headlamp</p></article>`;
  const ranges = rangesOf(document.body, wordsOf("lamp, desk") as RegExp);
  expect(ranges.map(String)).toEqual(["Desk", "lamp"]);
  expect(wordsOf(" - ")).toBeNull();
});
