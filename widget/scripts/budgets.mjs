// Fails when the widget grows above its budget. Sizes are gzip -9, what a visitor's browser downloads.
import { readFile, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const KB = 1024
const out = fileURLToPath(new URL('../../src/frontdesk/static/widget', import.meta.url))
const size = async (file) => gzipSync(await readFile(`${out}/${file}`), { level: 9 }).length

const manifest = JSON.parse(await readFile(`${out}/app/.vite/manifest.json`, 'utf8'))
const entry = manifest['index.html']
const first = new Set([entry.file, ...(entry.css ?? [])])
for (const name of entry.imports ?? []) first.add(manifest[name].file)

const lines = [
  ['loader', await size('widget.js'), 3 * KB],
  [
    'app, first open',
    (await Promise.all([...first].map((f) => size(`app/${f}`)))).reduce((a, b) => a + b),
    16 * KB,
  ],
]
for (const file of await readdir(`${out}/app/assets`)) {
  if (!first.has(`assets/${file}`))
    lines.push([`language ${file}`, await size(`app/assets/${file}`), 1.25 * KB])
}

let over = false
for (const [name, bytes, budget] of lines) {
  if (bytes > budget) over = true
  console.log(`${bytes > budget ? 'OVER' : 'ok  '} ${name}: ${(bytes / KB).toFixed(2)} of ${budget / KB} KB`)
}
process.exit(over ? 1 : 0)
