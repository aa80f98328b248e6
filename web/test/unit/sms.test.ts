import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { countSegments, plainCharacters } from "@/lib/sms";

interface Vector {
  name: string;
  text: string;
  encoding: "GSM-7" | "UCS-2";
  units: number;
  parts: number;
}
const vectors = JSON.parse(readFileSync(`${process.cwd()}/../shared-vectors/sms-segments.json`, "utf8")) as Vector[];

describe("segments, by the vectors that the server's counter passes too", () => {
  it.each(vectors.map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => {
    const count = countSegments(vector.text);
    expect({
      encoding: count.encoding === "gsm7" ? "GSM-7" : "UCS-2",
      units: count.units,
      parts: count.segments,
    }).toEqual({
      encoding: vector.encoding,
      units: vector.units,
      parts: vector.parts,
    });
  });
});

it("names the character that made a text long, and offers a plain one", () => {
  expect(countSegments("It’s done").because).toBe("’");
  expect(plainCharacters("It’s “done” – now…")).toBe(`It's "done" - now...`);
});
