// Server-sent events read with fetch, so that the bearer token can travel in a header.
import { Refused } from './api'

export interface Frame {
  id: string
  event: string
  data: string
}

const WATCHDOG = 45_000 // three missed heartbeats

/** Cuts a stream of text into frames (HTML standard, event stream format); comments and unfinished frames yield nothing. */
export function cutter(): (chunk: string) => Frame[] {
  let rest = ''
  return (chunk) => {
    const blocks = (rest + chunk).split(/\r?\n\r?\n/)
    rest = blocks.pop() ?? ''
    return blocks.map(frame).filter((found) => found.data)
  }
}

function frame(block: string): Frame {
  const found: Frame = { id: '', event: 'message', data: '' }
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(/^ /, '')
    if (name === 'data') found.data += (found.data && '\n') + value
    else if (name === 'id' || name === 'event') found[name] = value
  }
  return found
}

/**
 * Listens from `after` on until the stream ends; resolves then, rejects with the status if it never began.
 * Silence longer than the watchdog counts as an end: a dead connection does not always say so.
 */
export async function listen(
  token: string,
  after: number,
  heard: (frame: Frame) => void,
  begun: () => void,
  outer: AbortSignal,
): Promise<void> {
  const inner = new AbortController()
  const stop = (): void => inner.abort()
  let dog = setTimeout(stop, WATCHDOG)
  outer.addEventListener('abort', stop)
  try {
    const response = await fetch('/widget/v1/events', {
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'text/event-stream',
        'last-event-id': String(after),
      },
      cache: 'no-store',
      signal: inner.signal,
    })
    if (!response.ok || !response.body) throw new Refused(response.status)
    begun()
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    const cut = cutter()
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      clearTimeout(dog)
      dog = setTimeout(stop, WATCHDOG)
      cut(value).forEach(heard)
    }
  } finally {
    clearTimeout(dog)
    outer.removeEventListener('abort', stop)
  }
}
