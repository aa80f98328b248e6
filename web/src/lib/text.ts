export type Piece = { text: string; href?: string };

// An address begins where its letters begin, and has at most 64 before the "@": else a long "a.a.a…" costs its square.
const LINK =
  /\bhttps?:\/\/[^\s<>"']+|\bwww\.[^\s<>"']+\.[^\s<>"']+|(?<![\w.+-])[\w+][\w.+-]{0,63}@[\w-]+(?:\.[\w-]+)+\b/gi;

/** Where a piece of text leads; null where nothing is left of it but a beginning. */
function hrefOf(found: string): string | null {
  if (/^https?:\/\/./i.test(found)) return found;
  if (/^www\../i.test(found)) return `https://${found}`;
  return /^[^:/]+@[^:/]+$/.test(found) ? `mailto:${found}` : null;
}

/** An address without the punctuation behind it. A pattern for that costs the square of a long row of dots. */
function bare(address: string): string {
  let end = address.length;
  while (end > 0 && `.,;:!?)]}'"»`.includes(address.charAt(end - 1))) end--;
  return address.slice(0, end);
}

/** Cuts a text into plain pieces and links. Only http, https and mailto can come out. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(LINK)) {
    const found = bare(match[0]);
    const href = hrefOf(found);
    if (!href) continue;
    if (match.index > done) pieces.push({ text: text.slice(done, match.index) });
    pieces.push({ text: found, href });
    done = match.index + found.length;
  }
  if (done < text.length) pieces.push({ text: text.slice(done) });
  return pieces;
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  const text = letters.map((word) => [...(word ?? "")].find((letter) => /[\p{L}\p{N}]/u.test(letter)) ?? "").join("");
  return (text || "?").toLocaleUpperCase();
}

/** The beginning of a name, for a place with room for one line: at most 40 characters, and never half of one. */
export const brief = (name: string): string =>
  [...new Intl.Segmenter().segment(name)]
    .slice(0, 40)
    .map(({ segment }) => segment)
    .join("")
    .trimEnd();

/** A steady hue for a name, in degrees. */
export function hue(name: string): number {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 3600;
  return sum % 360;
}

export function fileSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export const capped = (count: number): string => (count >= 100 ? "99+" : String(count));

/** What follows the answer in an email text: the quoted history, if the server could tell it apart. */
export function quoted(text: string, reply: string | null): string | null {
  if (reply === null || reply.trim() === text.trim()) return null;
  const rest = text.startsWith(reply) ? text.slice(reply.length) : text;
  return rest.trim() || null;
}

/** A plain text as the simplest HTML that looks the same. */
export const toHtml = (text: string): string =>
  text
    .split("\n")
    .map(
      (line) =>
        `<p>${line.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign] ?? sign)}</p>`,
    )
    .join("");

export const classes = (...parts: (string | false | null | undefined)[]): string => parts.filter(Boolean).join(" ");

/** A contact's addresses, without the one that stands in for a missing name: that need not be said twice. */
export const addressesBeside = (contact: { name: string; points: readonly { display: string }[] }): string[] =>
  contact.points.map((point) => point.display).filter((display) => display !== contact.name);
