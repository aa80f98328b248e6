// The wire shapes of the server (channels/livechat/wire.py and visits.py), and the state that the screen shows.

export interface FileView {
  name: string
  type: string
  size: number
  url: string
}

export interface ItemView {
  cursor: number
  id: string
  client: string | null
  mine: boolean
  text: string
  author: string | null
  at: string
  files: FileView[]
}

export interface ThreadView {
  items: ItemView[]
  cursor: number
}

export type Label = string | Record<string, string>

export interface Question {
  name: string
  type: 'email' | 'name' | 'phone' | 'text' | 'select' | 'consent'
  label: Label
  required: boolean
  options: string[]
}

export interface Presence {
  online: boolean
  away: 'email' | 'message' | 'hide' | null
  next_opening: string | null
  reply_minutes: number | null
}

export interface Site {
  title: string
  greeting: string
  colour: string
  position: string
  languages: string[]
  form: Question[]
  max_text: number
  max_file_bytes: number
  max_files: number
}

export interface Session {
  token: string
  identified: boolean
  asked: boolean
  email: boolean
  site: Site
  presence: Presence
  thread: ThreadView
}

export type Answers = Record<string, string | boolean>

export interface Ticket {
  file: string
  name: string
  type: string
  size: number
}

/** A message on its way: kept in the browser until the server has committed it. */
export interface Waiting {
  id: string
  text: string
  files: Ticket[]
  page: { url: string; title: string; referrer: string } | null
  at: number
  email?: string | undefined
  failed?: string | undefined
}

/** A file that the visitor has chosen and not sent yet. */
export interface Upload {
  key: string
  name: string
  size: number
  state: 'going' | 'done' | 'failed'
  code?: string
  ticket?: Ticket
}

export interface State {
  phase: 'loading' | 'ready' | 'refused'
  code: string
  link: 'up' | 'connecting' | 'offline'
  session: Session | null
  items: ItemView[]
  waiting: Waiting[]
  uploads: Upload[]
  typing: string | null
  seenAt: number
  readAt: number
  answers: Answers | null
  wrong: Record<string, string>
  email: string
  open: boolean
}
