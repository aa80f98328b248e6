// What the screen shows, and what follows from it. Pure, but for where it begins.
import type { Keep } from './keep'
import type { State } from './types'

/** The state of a page that has just begun, with what the browser kept. */
export function fresh(keep: Keep): State {
  const kept = keep.read()
  return {
    phase: 'loading',
    code: '',
    link: navigator.onLine ? 'connecting' : 'offline',
    session: null,
    items: [],
    waiting: keep.waiting(),
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

/** Whether the questions before the chat still have to be answered. */
export function mustAsk({ session, answers }: State): boolean {
  return session !== null && session.site.form.length > 0 && !session.asked && answers === null
}

/** Whether nobody is here, and nobody knows where the answer should go. */
export function needsEmail({ session, email }: State): boolean {
  return session?.presence.away === 'email' && !session.email && !email
}
