// What the thread becomes when something is heard. Pure.
import type { ItemView, Waiting } from './types'

/** The items with `heard` in its place: an item heard again is newer or a repeat, and never appears twice. */
export function hear(items: readonly ItemView[], heard: ItemView): ItemView[] {
  const at = items.findIndex(
    (item) => item.id === heard.id || (heard.client !== null && item.client === heard.client),
  )
  if (at >= 0) {
    const known = items[at]
    return known && known.cursor > heard.cursor ? [...items] : items.with(at, heard)
  }
  const after = items.findLastIndex((item) => Date.parse(item.at) <= Date.parse(heard.at))
  return items.toSpliced(after + 1, 0, heard)
}

/** The waiting messages without those that have arrived. */
export function stillWaiting(waiting: readonly Waiting[], items: readonly ItemView[]): Waiting[] {
  const arrived = new Set(items.map((item) => item.client))
  return waiting.filter((message) => !arrived.has(message.id))
}

/** Messages of the team that this visitor has not seen. `seenAt` is in milliseconds since 1970. */
export function unseen(items: readonly ItemView[], seenAt: number): ItemView[] {
  return items.filter((item) => !item.mine && Date.parse(item.at) > seenAt)
}

/** The text in pieces, web addresses apart from the rest; punctuation behind an address is not part of it. */
export function pieces(text: string): { text: string; href?: string }[] {
  const found: { text: string; href?: string }[] = []
  let last = 0
  for (const match of text.matchAll(/https?:\/\/[^\s<>"]+/gi)) {
    // From the left: to look for punctuation at the end costs the square of a long row of dots.
    const address = String(/.*[^.,;:!?'»”)\]]/.exec(match[0]))
    if (!URL.canParse(address)) continue
    if (match.index > last) found.push({ text: text.slice(last, match.index) })
    found.push({ text: address, href: address })
    last = match.index + address.length
  }
  if (last < text.length) found.push({ text: text.slice(last) })
  return found
}

/** A message of ours that the server has, before it is heard. `at` is the server's time. */
export function delivered(message: Waiting, at: string): ItemView {
  return {
    cursor: 0,
    id: message.id,
    client: message.id,
    mine: true,
    text: message.text,
    author: null,
    at,
    files: message.files.map((file) => ({ name: file.name, type: file.type, size: file.size, url: '' })),
  }
}

/** A browser that never saw this thread: what came before the visitor's own last words has been read somewhere. */
export function lastWritten(items: readonly ItemView[]): number {
  return Math.max(0, ...items.filter((item) => item.mine).map((item) => Date.parse(item.at)))
}
