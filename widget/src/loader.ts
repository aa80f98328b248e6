// The only thing a page loads: a button in a closed shadow root. The chat itself is a frame from our own origin, made when
// somebody reaches for the button, or when a visitor comes back who waits for an answer.
import { inkOn } from './colour'
import { CSS } from './loader.css'
import { envelope, opened, type FromApp, type Look, type Options, type Page, type ToApp } from './protocol'

type Command = [name: string, ...rest: unknown[]]
type Api = ((...command: Command) => void) & { q?: Iterable<unknown>[]; loaded?: boolean }
type Label = [open: string, close: string]
interface Remembered {
  unread?: number
  wrote?: number
  met?: boolean
  look?: Look
}

const ANSWER_DAYS = 14 // how long after writing a returning visitor's frame is loaded at once, to show an answer
const ENGLISH: Label = ['Open chat', 'Close chat']
const LABELS: Record<string, Label> = {
  de: ['Chat öffnen', 'Chat schließen'],
  es: ['Abrir el chat', 'Cerrar el chat'],
  fr: ['Ouvrir le chat', 'Fermer le chat'],
  el: ['Άνοιγμα συνομιλίας', 'Κλείσιμο συνομιλίας'],
}
const BUBBLE = 'M21 11.5a8.5 8.5 0 0 1-8.5 8.5H4l2.2-2.9A8.5 8.5 0 1 1 21 11.5z'
const CHEVRON = 'm6 9 6 6 6-6'

const page = window as unknown as Window & { frontdesk?: Api; frontdeskLook?: Look & { key?: string } }

function start(script: HTMLScriptElement): void {
  const address = new URL(script.src)
  const base = address.origin
  const data = script.dataset
  const key = data.key ?? address.searchParams.get('key') ?? ''
  const place = `frontdesk:${key}`
  const remembered = recall(place)
  const given = page.frontdeskLook?.key === key ? page.frontdeskLook : {}
  let look: Look = { ...remembered.look, ...given }
  let options: Options = Object.assign({} as Options, data)
  let identity: string | null = null
  let frame: HTMLIFrameElement | null = null
  let listening = false
  let isOpen = false
  let hidden = false
  let forget = false
  let unread = remembered.unread ?? 0
  let returnTo: Element | null = null
  const hearers: Record<string, ((detail: unknown) => void)[]> = {}

  const host = document.createElement('div')
  host.id = 'frontdesk'
  const root = host.attachShadow({ mode: 'closed' })
  const box = document.createElement('div')
  const button = document.createElement('button')
  const badge = document.createElement('span')
  const drawing = svg()
  button.className = 'b'
  button.type = 'button'
  badge.className = 'n'
  badge.ariaHidden = 'true'
  button.append(drawing.svg, badge)
  box.append(button)
  // A constructed style sheet needs no permission from the page's Content-Security-Policy.
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(CSS)
  root.adoptedStyleSheets = [sheet]
  root.append(box)

  function remember(change: Remembered): void {
    Object.assign(remembered, change)
    try {
      localStorage.setItem(place, JSON.stringify(remembered))
    } catch {
      // A browser that keeps nothing still chats; it only starts anew with every page.
    }
  }

  function emit(name: string, detail?: unknown): void {
    dispatchEvent(new CustomEvent(`frontdesk:${name}`, { detail }))
    for (const hear of hearers[name] ?? []) hear(detail)
  }

  /** Before the app listens there is nothing to say: `init` tells it everything. */
  function tell(message: ToApp): void {
    if (listening) frame?.contentWindow?.postMessage(envelope(message), base)
  }

  /** The options, and where they are silent, what the page itself is written in. */
  function spoken(): Options {
    const html = document.documentElement
    return {
      ...options,
      lang: options.lang ?? html.lang,
      dir: options.dir ?? getComputedStyle(html).direction,
    }
  }

  function draw(): void {
    const { lang = '', dir = '' } = spoken()
    const [open, close] = LABELS[lang.slice(0, 2)] ?? ENGLISH
    const colour = options.colour ?? look.colour
    if (colour) {
      box.style.setProperty('--c', colour)
      box.style.setProperty('--i', inkOn(colour))
    }
    box.style.setProperty('--z', options.zIndex ?? null)
    box.dir = dir
    box.className = `${options.position ?? look.position ?? ''} ${isOpen ? 'on' : ''}`
    button.hidden = hidden || options.launcher === 'off' || (look.hidden === true && !isOpen)
    button.ariaExpanded = String(isOpen)
    button.ariaLabel = isOpen ? close : unread ? `${open} (${unread})` : open
    drawing.path.setAttribute('d', isOpen ? CHEVRON : BUBBLE)
    badge.textContent = unread > 9 ? '9+' : String(unread)
    badge.hidden = !unread || isOpen
    if (frame) frame.hidden = !isOpen || hidden
  }

  function prepare(): void {
    if (frame || !key) return
    frame = document.createElement('iframe')
    frame.title = 'Chat'
    frame.setAttribute(
      'sandbox',
      'allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads',
    )
    frame.src = `${base}/widget/app?key=${encodeURIComponent(key)}&o=${encodeURIComponent(location.origin)}`
    box.append(frame)
    draw()
  }

  function show(open: boolean): void {
    if (open === isOpen) return
    if (open) returnTo = document.activeElement === host ? null : document.activeElement
    isOpen = open
    prepare()
    draw()
    tell({ type: 'open', open })
    if (open) frame?.focus()
    else if (returnTo instanceof HTMLElement && returnTo !== document.body) returnTo.focus()
    else button.focus()
    emit(open ? 'open' : 'close')
  }

  function here(): Page {
    return { url: location.href, title: document.title, referrer: document.referrer }
  }

  function hear(message: FromApp): void {
    if (message.type === 'ready') {
      listening = true
      remember({ met: true })
      tell({ type: 'init', page: here(), options: spoken(), identity, open: isOpen, forget })
    } else if (message.type === 'close') show(false)
    else if (message.type === 'unread') {
      if (message.count !== unread) emit('unread', message.count)
      unread = message.count
      remember({ unread })
      draw()
    } else if (message.type === 'wrote') remember({ wrote: Date.now() })
    else if (message.type === 'look') {
      look = message.look
      remember({ look })
      draw()
    } else emit(message.name, message.detail)
  }

  const api: Record<string, (first?: unknown, second?: unknown) => void> = {
    open: () => show(true),
    close: () => show(false),
    toggle: () => show(!isOpen),
    hide: () => {
      hidden = true
      draw()
    },
    show: () => {
      hidden = false
      draw()
    },
    identify: (who) => {
      identity = who as string
      if (identity) tell({ type: 'identify', identity })
    },
    set: (change) => {
      options = { ...options, ...(change as Options) }
      draw()
      tell({ type: 'set', options: spoken() })
    },
    reset: () => {
      identity = null
      unread = 0
      if (!remembered.met) return
      remember({ unread: 0, wrote: 0 })
      prepare()
      draw()
      // The session is kept by the frame, so the frame has to be there to forget it.
      if (listening) tell({ type: 'reset' })
      else forget = true
    },
    on: (name, hearer) => {
      ;(hearers[String(name)] ??= []).push(hearer as (detail: unknown) => void)
    },
  }
  const run = ([name, ...rest]: Command): void => api[name]?.(...rest)
  const queued = [...(page.frontdesk?.q ?? [])]
  page.frontdesk = Object.assign((...command: Command) => run(command), { loaded: true })

  button.addEventListener('click', () => show(!isOpen))
  button.addEventListener('pointerenter', prepare)
  button.addEventListener('focus', prepare)
  addEventListener('message', (event) => {
    const message = opened(event, frame?.contentWindow, base) as FromApp | null
    if (message) hear(message)
  })
  followNavigation(() => tell({ type: 'page', page: here() }))
  fitKeyboard(() => (isOpen ? frame : null))

  // Beside the body, not in it: pages replace their body, and transform it.
  document.documentElement.append(host)
  draw()
  for (const command of queued) run([...command] as Command)
  emit('ready')
  const awaits = unread > 0 || Date.now() - (remembered.wrote ?? 0) < ANSWER_DAYS * 864e5
  if (awaits) setTimeout(prepare, 1_000) // the page's own work comes first
}

function recall(place: string): Remembered {
  try {
    return (JSON.parse(localStorage.getItem(place) ?? '{}') as Remembered | null) ?? {}
  } catch {
    return {}
  }
}

function svg(): { svg: SVGElement; path: SVGElement } {
  const make = (name: 'svg' | 'path'): SVGElement =>
    document.createElementNS('http://www.w3.org/2000/svg', name)
  const svg = make('svg')
  const path = make('path')
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('aria-hidden', 'true')
  svg.append(path)
  return { svg, path }
}

/** Calls back after every change of the address without a new page. */
function followNavigation(changed: () => void): void {
  const soon = (): void => void setTimeout(changed) // the title follows the address
  const navigation = (window as unknown as { navigation?: EventTarget }).navigation
  if (navigation) {
    navigation.addEventListener('currententrychange', soon)
    return
  }
  for (const name of ['pushState', 'replaceState'] as const) {
    const original = history[name].bind(history)
    history[name] = (...change: Parameters<History['pushState']>) => {
      original(...change)
      soon()
    }
  }
  addEventListener('popstate', soon)
}

/** On a phone the keyboard covers the lower half of a fixed frame; only the visual viewport knows. */
function fitKeyboard(frame: () => HTMLIFrameElement | null): void {
  const view = window.visualViewport
  view?.addEventListener('resize', () => {
    const target = frame()
    if (target)
      target.style.height = innerWidth <= 480 && view.height < innerHeight - 80 ? `${view.height}px` : ''
  })
}

const script = (document.currentScript ??
  document.querySelector('script[src*="/widget.js"]')) as HTMLScriptElement | null
if (script && !page.frontdesk?.loaded) start(script)
