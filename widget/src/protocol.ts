// What the loader on the host page and the app in the frame say to each other. Both check source and origin first.

export interface Page {
  url: string
  title: string
  referrer: string
}

export interface Options {
  colour?: string | undefined
  theme?: string | undefined
  lang?: string | undefined
  dir?: string | undefined
  position?: string | undefined
  launcher?: string | undefined
  zIndex?: string | undefined
}

/** From the loader to the app. */
export type ToApp =
  | { type: 'init'; page: Page; options: Options; identity: string | null; open: boolean; forget: boolean }
  | { type: 'open'; open: boolean }
  | { type: 'page'; page: Page }
  | { type: 'set'; options: Options }
  | { type: 'identify'; identity: string }
  | { type: 'reset' }

/** How the button should look; the app knows it from the inbox. */
export interface Look {
  colour?: string | undefined
  position?: string | undefined
  hidden?: boolean | undefined
}

/** From the app to the loader. */
export type FromApp =
  | { type: 'ready' }
  | { type: 'close' }
  | { type: 'unread'; count: number }
  | { type: 'wrote' }
  | { type: 'look'; look: Look }
  | { type: 'event'; name: string; detail: unknown }

/** Marks our messages among all others that a page receives. */
export interface Envelope<T> {
  frontdesk: 1
  message: T
}

export function envelope<T>(message: T): Envelope<T> {
  return { frontdesk: 1, message }
}

/** The message inside, if this came from the one window and the one origin that may send it. */
export function opened(event: MessageEvent, source: unknown, origin: string): unknown {
  if (event.origin !== origin || event.source !== source || !source) return null
  const data = event.data as Partial<Envelope<unknown>> | null
  return typeof data === 'object' && data?.frontdesk === 1 ? data.message : null
}
