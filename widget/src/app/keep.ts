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

export class Keep {
  private readonly memory = new Map<string, string>()

  constructor(private readonly inbox: string) {}

  read(): Kept {
    return (parse(this.get(this.place('visit'))) ?? {}) as Kept
  }

  write(change: Kept): void {
    this.set(this.place('visit'), JSON.stringify({ ...this.read(), ...change }))
  }

  /** Messages that the server has not committed, in the order in which they were written. */
  waiting(): Waiting[] {
    const prefix = this.place('out')
    const found = this.names()
      .filter((name) => name.startsWith(prefix))
      .map((name) => parse(this.get(name)) as Waiting | null)
      .filter((message) => message !== null)
    return found.sort((a, b) => a.at - b.at)
  }

  keep(message: Waiting): void {
    this.set(this.place(`out:${message.id}`), JSON.stringify(message))
  }

  drop(id: string): void {
    this.remove(this.place(`out:${id}`))
  }

  /** Forget this visitor: session, drafts and unsent messages. */
  clear(): void {
    const prefix = this.place('')
    for (const name of this.names()) if (name.startsWith(prefix)) this.remove(name)
  }

  private place(what: string): string {
    return `frontdesk:${this.inbox}:${what}`
  }

  private names(): string[] {
    try {
      return [...new Set([...Object.keys(localStorage), ...this.memory.keys()])]
    } catch {
      return [...this.memory.keys()]
    }
  }

  private get(name: string): string | null {
    try {
      return localStorage.getItem(name) ?? this.memory.get(name) ?? null
    } catch {
      return this.memory.get(name) ?? null
    }
  }

  private set(name: string, value: string): void {
    try {
      localStorage.setItem(name, value)
    } catch {
      this.memory.set(name, value)
    }
  }

  private remove(name: string): void {
    this.memory.delete(name)
    try {
      localStorage.removeItem(name)
    } catch {
      // Nothing was kept there.
    }
  }
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return null
  }
}

/** A random UUID (RFC 9562, version 4). `crypto.randomUUID` does not exist on pages without https. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
