// What a browser calls itself, in words. Every browser also names the ones it wants to pass for: the first rule that
// fits decides, and what no rule knows stays unnamed rather than wrong.
// https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/User-Agent

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\b(?:OPR|OPT|Opera)\//, "Opera"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Chrome|Chromium|HeadlessChrome|CriOS)\//, "Chrome"],
  [/\bVersion\/[\d.]+.* Safari\//, "Safari"],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bMac OS X\b|\bMacintosh\b/, "Mac"],
  [/\bLinux\b/, "Linux"],
];

const first = (rules: readonly (readonly [RegExp, string])[], agent: string): string | null =>
  rules.find(([pattern]) => pattern.test(agent))?.[1] ?? null;

export interface Device {
  /** "Chrome"; for a program that is no browser the name it gives itself, as "curl"; null when it gives none. */
  browser: string | null;
  /** "Windows"; null when it is not told. */
  system: string | null;
  phone: boolean;
}

/** Reads a `User-Agent` header. */
export function deviceOf(agent: string | null): Device {
  const text = agent ?? "";
  const itself = text.startsWith("Mozilla/") ? null : (/^([\w.-]+)(?:\/|$)/.exec(text)?.[1] ?? null);
  return {
    browser: first(BROWSERS, text) ?? itself,
    system: first(SYSTEMS, text),
    phone: /\bMobile\b|\biPhone\b/.test(text),
  };
}
