// The connection to the server: one stream while it is wanted, again and again, with growing pauses.
import { Refused } from './api'

const FIRST_WAIT = 500
const LONGEST_WAIT = 30_000
const LINGER = 30_000 // for so long a hidden tab stays connected: browsers allow few connections to one host

/** What the line asks of the chat, and tells it. */
export interface Ends {
  wanted(): boolean
  /** Listen until the stream ends; `begun` is to be called when it has begun. */
  listen(begun: () => void, signal: AbortSignal): Promise<void>
  /** It ended, or never began because of `failure`. */
  down(failure: unknown): void
}

export class Line {
  readonly #ends: Ends
  #wait = FIRST_WAIT
  #stream: AbortController | null = null
  #hiding: ReturnType<typeof setTimeout> | undefined

  constructor(ends: Ends) {
    this.#ends = ends
    document.addEventListener('visibilitychange', () => {
      clearTimeout(this.#hiding)
      if (document.hidden) this.#hiding = setTimeout(() => this.disconnect(), LINGER)
      else this.connect()
    })
  }

  connect(): void {
    if (this.#stream || !this.#ends.wanted() || document.hidden) return
    const stream = (this.#stream = new AbortController())
    void this.#follow(stream.signal).finally(() => {
      if (this.#stream === stream) this.#stream = null
    })
  }

  disconnect(): void {
    this.#stream?.abort()
    this.#stream = null
  }

  /** There is reason to believe that it works now. */
  reconnect(): void {
    this.#wait = FIRST_WAIT
    this.disconnect()
    this.connect()
  }

  /** How long to wait before the next attempt: growing, with a random part so that visitors do not all return at once. */
  pause(failure: unknown): number {
    const asked = failure instanceof Refused ? failure.retryAfter : 0
    const wait = Math.max(asked, this.#wait * (0.5 + Math.random()))
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT)
    return wait
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const goesOn = (): boolean => !signal.aborted && this.#ends.wanted()
    while (goesOn()) {
      let failure: unknown = null
      try {
        await this.#ends.listen(() => (this.#wait = FIRST_WAIT), signal)
      } catch (error) {
        failure = error
      }
      if (!goesOn()) return
      this.#ends.down(failure)
      await new Promise((resume) => setTimeout(resume, this.pause(failure)))
    }
  }
}
