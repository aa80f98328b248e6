// How a text is cut into priced segments: GSM 03.38 (3GPP TS 23.038 §6.2.1) or UCS-2, and the room that the
// concatenation header takes (3GPP TS 23.040 §9.2.3.24.1). The twin of the Python counter; both pass the same vectors.

const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
/** These take an escape: two septets each. */
const EXTENDED = new Set("\f^{}\\[~]|€");

export interface Segments {
  encoding: "gsm7" | "ucs2";
  /** Septets (GSM) or UTF-16 code units (UCS-2) of the whole text. */
  units: number;
  segments: number;
  /** Units that one segment of this text may hold. */
  perSegment: number;
  /** The first character that the GSM alphabet lacks. */
  because: string | null;
}

const LIMITS = { gsm7: { single: 160, part: 153 }, ucs2: { single: 70, part: 67 } };

/** Sizes of the characters; a character is never cut in two. */
function pack(sizes: number[], room: number): number {
  let parts = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > room) {
      parts += 1;
      used = 0;
    }
    used += size;
  }
  return parts;
}

export function countSegments(text: string): Segments {
  const characters = [...text];
  const because = characters.find((character) => !BASIC.has(character) && !EXTENDED.has(character)) ?? null;
  const encoding = because === null ? "gsm7" : "ucs2";
  const sizes = characters.map((character) =>
    encoding === "ucs2" ? character.length : EXTENDED.has(character) ? 2 : 1,
  );
  const units = sizes.reduce((sum, size) => sum + size, 0);
  const { single, part } = LIMITS[encoding];
  const one = units <= single;
  return {
    encoding,
    units,
    segments: units === 0 ? 0 : one ? 1 : pack(sizes, part),
    perSegment: one ? single : part,
    because,
  };
}

const PLAIN: Record<string, string> = {
  "‘": "'",
  "’": "'",
  "‚": ",",
  "“": '"',
  "”": '"',
  "„": '"',
  "–": "-",
  "—": "-",
  "…": "...",
  "•": "*",
  "\u00a0": " ",
};

/** The text with typographic characters replaced by the ones every phone has. */
export const plainCharacters = (text: string): string =>
  [...text].map((character) => PLAIN[character] ?? character).join("");
