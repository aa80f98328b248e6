// Finding a text in what stands on the screen. The browser's own search sees only the few messages that are drawn.

/** Matches the text anywhere, in capitals or not; null for nothing but spaces. */
export function patternOf(text: string): RegExp | null {
  const wanted = text.trim();
  return wanted ? new RegExp(wanted.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&").replace(/\s+/g, "\\s+"), "giu") : null;
}

/** Matches every word that begins as one of these, as the search of all conversations does. */
export function wordsOf(text: string): RegExp | null {
  const words = text.match(/[\p{L}\p{N}_]+/gu);
  return words && new RegExp(`(?<![\\p{L}\\p{N}_])(?:${words.join("|")})`, "giu");
}

/** Where it stands within the element: only in what people wrote, which is what says its direction itself. */
export function rangesOf(element: Element, pattern: RegExp): Range[] {
  const ranges: Range[] = [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement?.closest("article p[dir=auto]")) continue;
    for (const match of (node.nodeValue ?? "").matchAll(pattern)) {
      const range = new Range();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      ranges.push(range);
    }
  }
  return ranges;
}

/** Marks it within the element, and in what comes to stand there, until the returned function is called. */
export function marking(element: Element, pattern: RegExp): () => void {
  // A browser without this interface shows the message that was found, only not the words in it.
  if (typeof Highlight === "undefined") return () => undefined;
  const paint = () => CSS.highlights.set("found", new Highlight(...rangesOf(element, pattern)));
  const observer = new MutationObserver(paint);
  observer.observe(element, { childList: true, subtree: true, characterData: true });
  paint();
  return () => {
    observer.disconnect();
    CSS.highlights.delete("found");
  };
}
