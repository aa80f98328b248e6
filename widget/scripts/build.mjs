// Builds the loader (one classic script) and the app (a page with hashed assets) into the Python package.
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = fileURLToPath(new URL('../../src/frontdesk/static/widget', import.meta.url))
const common = { configFile: false, logLevel: 'warn', publicDir: false }
// A hundred bytes smaller than the default; the budgets are tight.
const minify = (ecma) => ({
  minify: 'terser',
  terserOptions: { ecma, compress: { passes: 3, unsafe_arrows: true, keep_fargs: false } },
})

await rm(out, { recursive: true, force: true })
await build({
  ...common,
  root,
  build: {
    outDir: out,
    emptyOutDir: false,
    target: 'es2020',
    ...minify(2020),
    lib: { entry: 'src/loader.ts', formats: ['iife'], name: 'frontdeskWidget', fileName: () => 'widget.js' },
  },
})
await build({
  ...common,
  root: `${root}/src/app`,
  base: '/widget/',
  build: {
    outDir: `${out}/app`,
    emptyOutDir: false,
    target: ['chrome111', 'safari16.4', 'firefox128'],
    modulePreload: false,
    ...minify(2022),
    assetsInlineLimit: 0,
    manifest: true,
  },
})
