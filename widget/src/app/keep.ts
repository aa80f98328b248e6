// What the browser keeps for us. Every waiting message has a place of its own, so that two windows never overwrite each
// other; a browser that keeps nothing still works for as long as the page lives.
import type { Answers, Waiting } from './types'

export interface Kept {
  token?: string
  seenAt?: number
  wroteAt?: number
  email?: string
  answers?: Answers | null
}

let store: Record<string, string> = {}
try {
  store = localStorage
} catch {
  // Forbidden by the browser's settings.
}

export class Keep {
  readonly #prefix: string

  constructor(inbox: string) {
    this.#prefix = `frontdesk:${inbox}:`
  }

  read(): Kept {
    return parse(store[`${this.#prefix}visit`]) ?? {}
  }

  write(change: Kept): void {
    this.#set('visit', { ...this.read(), ...change })
  }

  /** Messages that the server has not committed, in the order in which they were written. */
  waiting(): Waiting[] {
    return Object.keys(store)
      .filter((name) => name.startsWith(`${this.#prefix}out:`))
      .map((name) => parse(store[name]) as Waiting | null)
      .filter((message) => message !== null)
      .sort((a, b) => a.at - b.at)
  }

  keep(message: Waiting): void {
    this.#set(`out:${message.id}`, message)
  }

  drop(id: string): void {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a Storage is meant to be used like this
    delete store[`${this.#prefix}out:${id}`]
  }

  /** Forget this visitor: session and unsent messages. */
  clear(): void {
    for (const name of Object.keys(store)) {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- see above
      if (name.startsWith(this.#prefix)) delete store[name]
    }
  }

  #set(what: string, value: unknown): void {
    const name = this.#prefix + what
    const text = JSON.stringify(value)
    try {
      store[name] = text
    } catch {
      store = { ...store, [name]: text } // full: from now on in memory
    }
  }
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return null
  }
}

/** A random UUID (RFC 9562, version 4). `crypto.randomUUID` does not exist on pages without https. */
export function uuid(): string {
  return '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) => {
    const random = crypto.getRandomValues(new Uint8Array(1))[0] ?? 0
    return (Number(digit) ^ (random & (15 >> (Number(digit) / 4)))).toString(16)
  })
}

/** Only one window of this inbox sends at a time, where the browser promises that; some deny it to embedded pages. */
export async function alone(name: string, work: () => Promise<void>): Promise<void> {
  const locks = (navigator as { locks?: LockManager }).locks
  await (locks ? locks.request(name, work).catch(work) : work())
}
