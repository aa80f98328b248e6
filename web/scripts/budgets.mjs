// Fails when the built app has grown past its byte budgets (gzip, level 9). Reads Vite's manifest of the last build.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const root = new URL("../../src/frontdesk/static/app", import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(root, ".vite/manifest.json"), "utf8"));
const KB = 1024;
const LIMITS = { first: 240 * KB, css: 20 * KB, chunk: 130 * KB, all: 1024 * KB };

const size = (file) => gzipSync(readFileSync(join(root, file)), { level: 9 }).length;

function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) closure(next, seen);
  return seen;
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
// The conversations screen is what people open first: its lazy route counts as first load.
const screen = Object.keys(manifest).filter((key) => key.endsWith("features/conversations/Screen.tsx"));
const first = new Set([entry, ...screen].flatMap((key) => [...closure(key)]));
const files = new Map(Object.entries(manifest).map(([key, chunk]) => [key, chunk.file]));
const js = (keys) => [...new Set([...keys].map((key) => files.get(key)))].filter((file) => file.endsWith(".js"));
const css = new Set(
  Object.values(manifest)
    .flatMap((chunk) => [...(chunk.css ?? []), chunk.file])
    .filter((file) => file.endsWith(".css")),
);

const total = (list) => [...list].reduce((sum, file) => sum + size(file), 0);
const firstFiles = js(first);
const lazy = js(files.keys()).filter((file) => !firstFiles.includes(file));
const biggest = lazy.map((file) => [size(file), file]).sort((a, b) => b[0] - a[0])[0] ?? [0, "none"];

const rows = [
  ["first load, JS", total(firstFiles), LIMITS.first],
  ["all CSS", total(css), LIMITS.css],
  [`largest lazy chunk (${biggest[1]})`, biggest[0], LIMITS.chunk],
  ["all JS", total(js(files.keys())), LIMITS.all],
];
let failed = false;
for (const [what, bytes, limit] of rows) {
  const over = bytes > limit;
  failed ||= over;
  process.stdout.write(`${over ? "OVER" : "ok  "} ${what}: ${(bytes / KB).toFixed(1)} of ${limit / KB} KB\n`);
}
process.exit(failed ? 1 : 0);
