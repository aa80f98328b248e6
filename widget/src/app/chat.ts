// One visitor's chat: the session, the stream, the outbox. The screen subscribes to `state` and calls the verbs.
import type { FromApp, Page } from '../protocol'
import { ask, Refused, upload } from './api'
import { alone, Keep, uuid } from './keep'
import { Line } from './line'
import { fresh, mustAsk } from './state'
import { listen, type Frame } from './stream'
import { delivered, hear, lastWritten, stillWaiting, unseen } from './thread'
import type { Answers, ItemView, Session, State, ThreadView, Upload, Waiting } from './types'

const ACTIVE = 30 * 60_000 // for so long after writing the closed chat stays connected
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
  readonly #line: Line
  readonly #hearers = new Set<() => void>()
  #identity: string | null = null
  #turn = 0
  #retrying: ReturnType<typeof setTimeout> | undefined
  #unreported: string[] = []
  #unread = 0
  #cursor = 0
  #begunAt = 0
  #flushing = false
  #typedAt = 0
  #typingEnds: ReturnType<typeof setTimeout> | undefined

  constructor(inbox: string, origin: string, tell: Tell) {
    this.#inbox = inbox
    this.#origin = origin
    this.#tell = tell
    this.#keep = new Keep(inbox)
    this.state = fresh(this.#keep)
    this.#line = new Line({
      wanted: () => this.#wanted(),
      listen: (begun, signal) =>
        listen(
          this.#token ?? '',
          this.#cursor,
          (frame) => this.#heard(frame),
          () => {
            begun()
            this.#up()
          },
          signal,
        ),
      down: (failure) => {
        this.#down()
        if (failure instanceof Refused && failure.status === 401) void this.#session()
      },
    })
    addEventListener('online', () => {
      this.#down()
      this.#line.reconnect()
      void this.#flush()
    })
    addEventListener('offline', () => this.#down())
    document.addEventListener('visibilitychange', () => this.#set({}))
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
    if (this.#wanted()) this.#line.connect()
    else this.#line.disconnect()
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
    this.#line.connect()
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
    const site = this.state.session?.site
    if (!site || this.state.uploads.length >= site.max_files) return
    const entry: Upload = { key: uuid(), name: file.name, size: file.size, state: 'going' }
    this.#set({ uploads: [...this.state.uploads, entry] })
    const done = { ...entry, ...(await upload(file, site.max_file_bytes, this.#token)) }
    this.#set({ uploads: this.state.uploads.map((one) => (one.key === entry.key ? done : one)) })
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

  #forget(): void {
    this.#line.disconnect()
    this.#keep.clear()
    this.#identity = null
    this.state = { ...fresh(this.#keep), open: this.state.open }
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
        this.#down()
        this.#retrying = setTimeout(() => void this.#session(), this.#line.pause(error))
      }
      return false
    }
  }

  #adopt(session: Session, identity: string | null): void {
    this.#begunAt = Date.now()
    this.#cursor = session.thread.cursor
    const same = this.state.session?.identified === session.identified || this.state.session === null
    const seenAt = same ? this.#keep.read().seenAt : undefined
    this.#keep.write({ token: session.token })
    const items = session.thread.items
    const waiting = stillWaiting(this.#keep.waiting(), items)
    this.#set({ phase: 'ready', session, items, waiting, seenAt: seenAt ?? lastWritten(items) })
    if (identity) this.#tell({ type: 'event', name: 'identified', detail: null })
    this.#look()
    this.#line.reconnect()
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
    const { colour, position } = session?.site ?? {}
    this.#tell({ type: 'look', look: { colour, position, hidden } })
  }

  // --- the stream ---

  #wanted(): boolean {
    const active = this.state.waiting.length > 0 || Date.now() - (this.#keep.read().wroteAt ?? 0) < ACTIVE
    return this.state.phase === 'ready' && (this.state.open || active)
  }

  #up(): void {
    this.#set({ link: 'up' })
    this.#report()
    void this.#flush()
  }

  #down(): void {
    this.#set({ link: navigator.onLine ? 'connecting' : 'offline', typing: null })
  }

  #heard({ id, event, data }: Frame): void {
    if (id) this.#cursor = Number(id)
    const fact: unknown = JSON.parse(data)
    if (event === 'message') this.#receive(fact as ItemView)
    else if (event === 'typing') this.#showTyping(fact as { name: string | null; on: boolean })
    else if (event === 'seen') this.#set({ readAt: Date.now() })
    else if (event === 'resync') void this.#resync()
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
      if (!message || mustAsk(this.state)) return
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
          setTimeout(() => void this.#flush(), this.#line.pause(error))
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
    if (this.state.link !== 'up') this.#line.reconnect() // the server is there again
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
