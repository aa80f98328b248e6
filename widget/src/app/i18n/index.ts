// English is in the app; every other language is a small file of its own, loaded when somebody speaks it.
import de from './de.json?url'
import el from './el.json?url'
import en, { type Texts } from './en'
import es from './es.json?url'
import fr from './fr.json?url'
import type { Label } from '../types'

const PACKS: Record<string, string> = { de, es, fr, el }
let texts: Texts = en
export let language = 'en'
let locale = 'en' // how people here write dates: the browser's own variety of the language

/** Speak the first of the `wanted` languages that the inbox has and we know; else the inbox's first. */
export async function speak(wanted: readonly string[], allowed?: readonly string[]): Promise<void> {
  const known = allowed ?? ['en', ...Object.keys(PACKS)]
  const found =
    wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((code) => known.includes(code)) ??
    known[0] ??
    'en'
  try {
    texts = PACKS[found] ? ((await (await fetch(PACKS[found])).json()) as Texts) : en
    language = found
  } catch {
    texts = en // the file could not be loaded; English is here
    language = 'en'
  }
  locale = navigator.languages.find((tag) => tag.startsWith(language)) ?? language
}

export function t(name: keyof Texts, values: Record<string, string | number> = {}): string {
  return texts[name].replace(/\{(\w+)\}/g, (_, key: string) => String(values[key] ?? ''))
}

/** The text for an error code, or for `fallback` if there is none. */
export function tError(prefix: 'e_' | 'r_', code: string, fallback: keyof Texts, values = {}): string {
  const name = `${prefix}${code}`
  return t(name in texts ? (name as keyof Texts) : fallback, values)
}

export function label(text: Label): string {
  return typeof text === 'string' ? text : (text[language] ?? text.en ?? Object.values(text)[0] ?? '')
}

export function clock(at: string): string {
  return new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' }).format(new Date(at))
}

export function day(at: string): string {
  const date = new Date(at)
  if (date.toDateString() === new Date().toDateString()) return t('today')
  return new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' }).format(date)
}

/** "Monday 09:00" in the visitor's own time zone. */
export function weekday(at: string): string {
  const form: Intl.DateTimeFormatOptions = { weekday: 'long', hour: 'numeric', minute: '2-digit' }
  return new Intl.DateTimeFormat(locale, form).format(new Date(at))
}

/** "10 minutes", "2 hours". */
export function span(minutes: number): string {
  const [value, unit] = minutes < 90 ? [minutes, 'minute'] : [Math.round(minutes / 60), 'hour']
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(value)
}
