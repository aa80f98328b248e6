// One visitor's chat: the session, the stream, the outbox. The screen subscribes to `state` and calls the verbs.
import type { FromApp, Page } from '../protocol'
import { ask, Refused } from './api'
import { Keep, uuid } from './keep'
import { listen, type Frame } from './stream'
import { hear, stillWaiting, unseen } from './thread'
import type { Answers, ItemView, Session, State, ThreadView, Ticket, Waiting } from './types'

const FIRST_WAIT = 500
const LONGEST_WAIT = 30_000
const ACTIVE = 30 * 60_000 // for so long after writing the closed chat stays connected
const LINGER = 30_000 // for so long a hidden tab stays connected: browsers allow few connections to one host
const STALE = 60_000 // an older session is asked anew when the chat is opened: is anybody here?
const TYPING_OUT = 3_000
const TYPING_IN = 6_000

type Tell = (message: FromApp) => void

export class Chat {
  state: State
  page: Page | null = null
  readonly #inbox: string
  readonly #origin: string
  readonly #tell: Tell
  readonly #keep: Keep
  readonly #hearers = new Set<() => void>()
  #identity: string | null = null
  #turn = 0
  #retrying: ReturnType<typeof setTimeout> | undefined
  #unreported: string[] = []
  #unread = 0
  #cursor = 0
  #begunAt = 0
  #wait = FIRST_WAIT
  #stream: AbortController | null = null
  #flushing = false
  #typedAt = 0
  #typingEnds: ReturnType<typeof setTimeout> | undefined
  #hiding: ReturnType<typeof setTimeout> | undefined

  constructor(inbox: string, origin: string, tell: Tell) {
    this.#inbox = inbox
    this.#origin = origin
    this.#tell = tell
    this.#keep = new Keep(inbox)
    this.state = this.#fresh()
    addEventListener('online', () => this.#wake())
    addEventListener('offline', () => this.#set({ link: 'offline' }))
    document.addEventListener('visibilitychange', () => this.#visibility())
  }

  // --- what the screen and the page ask for ---

  subscribe(hearer: () => void): () => void {
    this.#hearers.add(hearer)
    return () => this.#hearers.delete(hearer)
  }

  begin(identity: string | null, open: boolean, forget: boolean): void {
    if (forget) this.#forget()
    this.#identity = identity
    this.#set({ open })
    void this.#session()
  }

  opened(open: boolean): void {
    this.#set({ open })
    if (open && this.state.phase === 'ready' && Date.now() - this.#begunAt > STALE) void this.#session()
    this.#look()
    if (this.#wanted()) this.#connect()
    else this.#disconnect()
  }

  identify(identity: string): void {
    this.#identity = identity
    void this.#session()
  }

  reset(): void {
    this.#forget()
    void this.#session()
  }

  answer(answers: Answers): void {
    const question = this.state.session?.site.form.find((one) => one.type === 'email')
    this.#keep.write({ answers })
    this.#set({ answers, wrong: {} })
    if (question) this.leaveEmail(String(answers[question.name] ?? ''))
    void this.#flush()
  }

  leaveEmail(email: string): void {
    this.#keep.write({ email })
    this.#set({ email })
  }

  send(text: string): void {
    const done = this.state.uploads.flatMap((upload) => upload.ticket ?? [])
    if (!text.trim() && !done.length) return
    const away = this.state.session?.presence.away === 'email'
    const last = this.state.waiting.at(-1)?.at ?? 0
    const message: Waiting = {
      id: uuid(),
      text,
      files: done,
      page: this.page,
      at: Math.max(Date.now(), last + 1), // two in one millisecond still have an order
      ...(away && this.state.email && { email: this.state.email }),
    }
    this.#keep.keep(message)
    this.#keep.write({ wroteAt: Date.now() })
    this.#set({ waiting: [...this.state.waiting, message], uploads: [] })
    this.#typedAt = 0
    this.#tell({ type: 'wrote' })
    void this.#flush()
    this.#connect()
  }

  retry(id: string): void {
    const message = this.state.waiting.find((one) => one.id === id)
    if (!message) return
    const again = { ...message, failed: undefined, ...(message.email && { email: this.state.email }) }
    this.#keep.keep(again)
    this.#set({ waiting: this.state.waiting.map((one) => (one.id === id ? again : one)) })
    void this.#flush()
  }

  discard(id: string): void {
    this.#keep.drop(id)
    this.#set({ waiting: this.state.waiting.filter((one) => one.id !== id) })
  }

  async upload(file: File): Promise<void> {
    const limits = this.state.session?.site
    if (!limits || this.state.uploads.length >= limits.max_files) return
    const key = uuid()
    const entry = { key, name: file.name, size: file.size, state: 'going' as const }
    this.#set({ uploads: [...this.state.uploads, entry] })
    const settle = (change: object): void =>
      this.#set({ uploads: this.state.uploads.map((one) => (one.key === key ? { ...one, ...change } : one)) })
    if (file.size > limits.max_file_bytes) {
      settle({ state: 'failed', code: 'too_big' })
      return
    }
    try {
      const name = encodeURIComponent(file.name.slice(-200))
      const ticket = await ask<Ticket>(`files?name=${name}`, this.#token, new Blob([file]))
      settle({ state: 'done', ticket })
    } catch (error) {
      settle({ state: 'failed', code: error instanceof Refused ? error.code : 'network' })
    }
  }

  unattach(key: string): void {
    this.#set({ uploads: this.state.uploads.filter((one) => one.key !== key) })
  }

  typing(): void {
    if (Date.now() - this.#typedAt < TYPING_OUT || this.state.link !== 'up') return
    this.#typedAt = Date.now()
    ask('typing', this.#token, { on: true }).catch(() => undefined) // worth nothing later
  }

  // --- the session ---

  /** Always what the browser keeps: another window may have signed in, or become a new visitor. */
  get #token(): string | undefined {
    return this.#keep.read().token
  }

  #fresh(): State {
    const kept = this.#keep.read()
    return {
      phase: 'loading',
      code: '',
      link: navigator.onLine ? 'connecting' : 'offline',
      session: null,
      items: [],
      waiting: this.#keep.waiting(),
      uploads: [],
      typing: null,
      seenAt: kept.seenAt ?? 0,
      readAt: 0,
      answers: kept.answers ?? null,
      wrong: {},
      email: kept.email ?? '',
      open: false,
    }
  }

  #forget(): void {
    this.#disconnect()
    this.#keep.clear()
    this.#identity = null
    this.state = { ...this.#fresh(), open: this.state.open }
    this.#set({})
    this.#tell({ type: 'unread', count: 0 })
  }

  /** Begin or renew the session; keeps trying while the server cannot be reached. True once there is one. */
  async #session(): Promise<boolean> {
    const identity = this.#identity
    const turn = ++this.#turn
    clearTimeout(this.#retrying)
    try {
      const session = await ask<Session>('session', undefined, {
        key: this.#inbox,
        origin: this.#origin,
        ...(this.#token && { token: this.#token }),
        ...(identity && { identity }),
      })
      if (turn !== this.#turn) return true // a later one knows better
      this.#adopt(session, identity)
      return true
    } catch (error) {
      if (turn !== this.#turn) return false
      if (error instanceof Refused && !error.later) {
        this.#refused(error.code)
      } else {
        this.#set({ link: navigator.onLine ? 'connecting' : 'offline' })
        this.#retrying = setTimeout(() => void this.#session(), this.#pause(error))
      }
      return false
    }
  }

  #adopt(session: Session, identity: string | null): void {
    this.#begunAt = Date.now()
    this.#wait = FIRST_WAIT
    this.#cursor = session.thread.cursor
    const same = this.state.session?.identified === session.identified || this.state.session === null
    const seenAt = same ? this.#keep.read().seenAt : undefined
    this.#keep.write({ token: session.token })
    const items = session.thread.items
    const waiting = stillWaiting(this.#keep.waiting(), items)
    this.#set({ phase: 'ready', session, items, waiting, seenAt: seenAt ?? lastWritten(items) })
    if (identity) this.#tell({ type: 'event', name: 'identified', detail: null })
    this.#look()
    this.#reconnect()
    void this.#flush()
  }

  #refused(code: string): void {
    this.#tell({ type: 'event', name: 'error', detail: { code } })
    if (code === 'identity_invalid' && this.#identity) {
      this.#identity = null // go on as whoever we were, rather than not at all
      void this.#session()
      return
    }
    this.#set({ phase: 'refused', code })
    this.#look()
  }

  #look(): void {
    const { session, open } = this.state
    const hidden = !open && session?.presence.away === 'hide'
    this.#tell({
      type: 'look',
      look: { colour: session?.site.colour, position: session?.site.position, hidden },
    })
  }

  // --- the stream ---

  #wanted(): boolean {
    const active = this.state.waiting.length > 0 || Date.now() - (this.#keep.read().wroteAt ?? 0) < ACTIVE
    return this.state.phase === 'ready' && (this.state.open || active)
  }

  #connect(): void {
    if (this.#stream || !this.#wanted() || document.hidden) return
    const stream = (this.#stream = new AbortController())
    void this.#follow(stream).finally(() => {
      if (this.#stream === stream) this.#stream = null
    })
  }

  #disconnect(): void {
    this.#stream?.abort()
    this.#stream = null
  }

  #reconnect(): void {
    this.#disconnect()
    this.#connect()
  }

  async #follow(stream: AbortController): Promise<void> {
    const stopped = (): boolean => stream.signal.aborted || !this.#wanted()
    for (let token = this.#token; token && !stopped(); token = this.#token) {
      let failure: unknown = null
      try {
        await listen(token, this.#cursor, (frame) => void this.#heard(frame), this.#up, stream.signal)
      } catch (error) {
        failure = error
      }
      if (stopped()) return
      if (failure instanceof Refused && failure.status === 401) {
        void this.#session()
        return
      }
      this.#set({ link: navigator.onLine ? 'connecting' : 'offline', typing: null })
      await new Promise((resume) => setTimeout(resume, this.#pause(failure)))
    }
  }

  readonly #up = (): void => {
    this.#wait = FIRST_WAIT
    this.#set({ link: 'up' })
    this.#report()
    void this.#flush()
  }

  async #heard(frame: Frame): Promise<void> {
    if (frame.id) this.#cursor = Number(frame.id)
    if (frame.event === 'message') this.#receive(JSON.parse(frame.data) as ItemView)
    else if (frame.event === 'typing')
      this.#showTyping(JSON.parse(frame.data) as { name: string | null; on: boolean })
    else if (frame.event === 'seen') this.#set({ readAt: Date.now() })
    else if (frame.event === 'resync') await this.#resync()
  }

  #receive(item: ItemView): void {
    const items = hear(this.state.items, item)
    const isNew = items.length > this.state.items.length
    if (item.mine) this.#keep.drop(item.client ?? '')
    const waiting = stillWaiting(this.state.waiting, items)
    this.#set({ items, waiting, ...(!item.mine && { typing: null }) })
    if (isNew && !item.mine) this.#tell({ type: 'event', name: 'message', detail: { id: item.id } })
  }

  #showTyping(typing: { name: string | null; on: boolean }): void {
    clearTimeout(this.#typingEnds)
    this.#set({ typing: typing.on ? (typing.name ?? '') : null })
    this.#typingEnds = setTimeout(() => this.#set({ typing: null }), TYPING_IN)
  }

  async #resync(): Promise<void> {
    const thread = await ask<ThreadView>('thread', this.#token).catch(() => null)
    if (!thread) return
    this.#cursor = thread.cursor
    this.#set({ items: thread.items, waiting: stillWaiting(this.state.waiting, thread.items) })
  }

  /** How long to wait before the next attempt: growing, with a random part so that visitors do not all return at once. */
  #pause(error: unknown): number {
    const asked = error instanceof Refused ? error.retryAfter : 0
    const wait = Math.max(asked, this.#wait * (0.5 + Math.random()))
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT)
    return wait
  }

  #wake(): void {
    this.#wait = FIRST_WAIT
    this.#set({ link: 'connecting' })
    this.#reconnect()
    void this.#flush()
  }

  #visibility(): void {
    clearTimeout(this.#hiding)
    if (document.hidden) {
      this.#hiding = setTimeout(() => this.#disconnect(), LINGER)
    } else {
      this.#wait = FIRST_WAIT
      this.#connect()
      this.#set({})
    }
  }

  // --- the outbox ---

  /** Send what waits, oldest first, one at a time: a message never overtakes an earlier one. */
  async #flush(): Promise<void> {
    if (this.#flushing || this.state.phase !== 'ready') return
    this.#flushing = true
    try {
      await alone(`frontdesk:${this.#inbox}`, () => this.#drain())
    } finally {
      this.#flushing = false
    }
  }

  async #drain(): Promise<void> {
    let renewed = false
    for (;;) {
      const message = this.#keep.waiting().find((one) => !one.failed)
      if (!message || this.mustAsk()) return
      try {
        await this.#deliver(message)
      } catch (error) {
        if (error instanceof Refused && error.status === 401 && !renewed) {
          renewed = true
          if (!(await this.#session())) return
        } else if (error instanceof Refused && !error.later) {
          if (!this.#askAgain(error)) this.#fail(message, error.code)
          if (error.code === 'email') this.leaveEmail('')
        } else {
          setTimeout(() => void this.#flush(), this.#pause(error))
          return
        }
      }
    }
  }

  async #deliver(message: Waiting): Promise<void> {
    const { session, answers } = this.state
    const done = await ask<{ at: string; token: string | null }>('messages', this.#token, {
      id: message.id,
      text: message.text,
      files: message.files.map((file) => file.file),
      page: message.page,
      email: message.email ?? null,
      locale: navigator.language,
      tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
      ...(answers && !session?.asked && { answers }),
    })
    this.#wait = FIRST_WAIT
    if (this.state.link !== 'up') this.#reconnect() // the server is there again
    if (done.token) this.#keep.write({ token: done.token })
    this.#keep.drop(message.id)
    const waiting = this.state.waiting.filter((one) => one.id !== message.id)
    const echoed = this.state.items.some((item) => item.client === message.id)
    const items = echoed ? this.state.items : hear(this.state.items, delivered(message, done.at))
    this.#set({ waiting, items, ...(session && { session: { ...session, asked: true } }) })
  }

  #fail(message: Waiting, code: string): void {
    const failed = { ...message, failed: code }
    this.#keep.keep(failed)
    this.#set({ waiting: this.state.waiting.map((one) => (one.id === message.id ? failed : one)) })
  }

  /** Whether nobody is here, and nobody knows where the answer should go. */
  needsEmail(): boolean {
    const { session, email } = this.state
    return session?.presence.away === 'email' && !session.email && !email
  }

  /** Whether the questions before the chat still have to be answered. */
  mustAsk(): boolean {
    const { session, answers } = this.state
    return session !== null && session.site.form.length > 0 && !session.asked && answers === null
  }

  /** The server did not like the answers: show the questions again, with what was wrong. */
  #askAgain(error: Refused): boolean {
    const { session } = this.state
    if (error.code !== 'form' || !session || session.asked) return false
    this.#keep.write({ answers: null })
    this.#set({ answers: null, wrong: error.fields })
    return true
  }

  // --- the state ---

  #set(change: Partial<State>): void {
    this.state = { ...this.state, ...change }
    this.#see()
    for (const hearer of this.#hearers) hearer()
  }

  /** Tell the team what was seen, and the page what was not. */
  #see(): void {
    const { items, open, seenAt, phase } = this.state
    if (phase !== 'ready') return
    const fresh = unseen(items, seenAt)
    const shown = open && !document.hidden
    if (shown && fresh.length) {
      const at = Math.max(...fresh.map((item) => Date.parse(item.at)))
      this.state = { ...this.state, seenAt: at }
      this.#keep.write({ seenAt: at })
      this.#unreported.push(...fresh.map((item) => item.id))
      this.#report()
    }
    const unread = shown ? 0 : fresh.length
    if (unread !== this.#unread) this.#tell({ type: 'unread', count: unread })
    this.#unread = unread
  }

  #report(): void {
    const ids = this.#unreported.slice(-100)
    this.#unreported = []
    if (!ids.length) return
    ask('seen', this.#token, { ids }).catch((error: unknown) => {
      if (!(error instanceof Refused) || error.later) this.#unreported.unshift(...ids) // with the next connection
    })
  }
}

function delivered(message: Waiting, at: string): ItemView {
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
function lastWritten(items: readonly ItemView[]): number {
  return Math.max(0, ...items.filter((item) => item.mine).map((item) => Date.parse(item.at)))
}

/** Only one window of this inbox sends at a time, where the browser promises that; some deny it to embedded pages. */
async function alone(name: string, work: () => Promise<void>): Promise<void> {
  const locks = (navigator as { locks?: LockManager }).locks
  await (locks ? locks.request(name, work).catch(work) : work())
}
