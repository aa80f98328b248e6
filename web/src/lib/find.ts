// Finding a text in what stands on the screen. The browser's own search sees only the few messages that are drawn.

/** Without accents and capitals, each character in its place: what is looked for and where are both read so. */
export const plain = (text: string): string =>
  text.replace(/[^\0-\x7f]/g, (letter) => letter.normalize("NFD").charAt(0)).toLowerCase();

/** Matches the text anywhere in a plain one; null for nothing but spaces. */
export function patternOf(text: string): RegExp | null {
  const wanted = plain(text.trim());
  return wanted ? new RegExp(wanted.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&").replace(/\s+/g, "\\s+"), "gu") : null;
}

/** Matches every word that begins as one of these, as the search of all conversations does. */
export function wordsOf(text: string): RegExp | null {
  const words = plain(text).match(/[\p{L}\p{N}_]+/gu);
  return words && new RegExp(`(?<![\\p{L}\\p{N}_])(?:${words.join("|")})`, "gu");
}

/** Cuts a text into what matches and what stands between. */
export function cut(text: string, pattern: RegExp | null): { text: string; hit: boolean }[] {
  const pieces: { text: string; hit: boolean }[] = [];
  let done = 0;
  for (const { 0: found, index } of pattern ? plain(text).matchAll(pattern) : []) {
    if (index > done) pieces.push({ text: text.slice(done, index), hit: false });
    done = index + found.length;
    pieces.push({ text: text.slice(index, done), hit: true });
  }
  if (done < text.length) pieces.push({ text: text.slice(done), hit: false });
  return pieces;
}

/** Where it stands within the element: only in what people wrote, which is what says its direction itself. */
export function rangesOf(element: Element, pattern: RegExp): Range[] {
  const ranges: Range[] = [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement?.closest("article p[dir=auto]")) continue;
    for (const match of plain(node.nodeValue ?? "").matchAll(pattern)) {
      const range = new Range();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      ranges.push(range);
    }
  }
  return ranges;
}

// Not in app.css: what makes that small takes this for a mistake.
const MARKS = "::highlight(found) { background-color: var(--noteline); color: var(--ink); }";
let colours: CSSStyleSheet | null = null;

function colourMarks(): void {
  if (colours) return;
  colours = new CSSStyleSheet();
  colours.replaceSync(MARKS);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, colours];
}

/** Marks it within the element, and in what comes to stand there, until the returned function is called. */
export function marking(element: Element, pattern: RegExp): () => void {
  // A browser without this interface shows the message that was found, only not the words in it.
  if (typeof Highlight === "undefined") return () => undefined;
  colourMarks();
  const paint = () => CSS.highlights.set("found", new Highlight(...rangesOf(element, pattern)));
  const observer = new MutationObserver(paint);
  observer.observe(element, { childList: true, subtree: true, characterData: true });
  paint();
  return () => {
    observer.disconnect();
    CSS.highlights.delete("found");
  };
}
