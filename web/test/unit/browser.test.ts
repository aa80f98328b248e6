import { expect, it } from "vitest";
import { deviceOf } from "@/lib/browser";

const WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)";
const named = (agent: string | null) => {
  const { browser, system, phone } = deviceOf(agent);
  return [browser, system, phone ? "phone" : "desk"].join(" ");
};

it.each([
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/141.0.0.0 Safari/537.36`, "Chrome Windows desk"],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/141.0.0.0 Safari/537.36 Edg/141.0`, "Edge Windows desk"],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${WEBKIT} Chrome/141.0.0.0 Safari/537.36`, "Chrome ChromeOS desk"],
  [
    `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Chrome/141.0.0.0 Safari/537.36 OPR/122`,
    "Opera Mac desk",
  ],
  [`Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36`, "Chrome Android phone"],
  [
    `Mozilla/5.0 (Linux; Android 14; S) ${WEBKIT} SamsungBrowser/28.0 Chrome/130.0 Safari/537.36`,
    "Samsung Internet Android desk",
  ],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox Linux desk"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Safari iPhone phone",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Safari Mac desk",
  ],
  ["python-httpx/0.28.1", "python-httpx  desk"],
  ["Mozilla/5.0 (compatible; Something)", "  desk"],
  ["", "  desk"],
  [null, "  desk"],
])("says what %s is", (agent, said) => {
  expect(named(agent)).toBe(said);
});
