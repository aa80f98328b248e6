import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Chat } from '../chat'
import { span, t, tError, weekday } from '../i18n'
import type { State } from '../types'
import { Composer } from './Composer'
import { Icon } from './icons'
import { LeaveEmail, PreChat } from './Forms'
import { Thread } from './Thread'

export function App({ chat, close }: { chat: Chat; close: () => void }): JSX.Element {
  const [state, show] = useState<State>(chat.state)
  const [over, setOver] = useState(false)
  const body = useRef<HTMLDivElement>(null)
  useEffect(() => {
    show(chat.state)
    return chat.subscribe(() => show(chat.state))
  }, [chat])

  const { session } = state
  const asks = chat.mustAsk()
  const needsEmail =
    session?.presence.away === 'email' && !session.email && !state.email && !state.answers?.email
  useEffect(() => {
    if (state.open) body.current?.querySelector<HTMLElement>('[data-first]')?.focus()
  }, [state.open, state.phase, asks])

  const accept = (files: FileList | undefined | null): void => {
    for (const file of files ?? []) void chat.upload(file)
  }
  const mayAttach = state.phase === 'ready' && !asks
  return (
    <div
      class="chat"
      role="dialog"
      aria-labelledby="title"
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.isComposing) close()
      }}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(mayAttach)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        if (mayAttach) accept(event.dataTransfer?.files)
      }}
    >
      <Header state={state} close={close} />
      <Banner state={state} />
      <main ref={body}>
        {state.phase === 'refused' ? (
          <p class="refused" tabIndex={-1} data-first>
            {tError('r_', state.code, 'r_other')}
          </p>
        ) : !session ? (
          <div class="loading" />
        ) : asks ? (
          <PreChat
            greeting={session.site.greeting}
            form={session.site.form}
            wrong={state.wrong}
            chat={chat}
          />
        ) : (
          <>
            <Thread state={state} chat={chat} />
            {session.presence.away === 'email' && !session.email && (
              <LeaveEmail email={state.email || String(state.answers?.email ?? '')} chat={chat} />
            )}
            <Composer state={state} chat={chat} waitsForEmail={needsEmail} accept={accept} />
          </>
        )}
        {over && <div class="over">{t('drop')}</div>}
      </main>
    </div>
  )
}

function Header({ state, close }: { state: State; close: () => void }): JSX.Element {
  const { session } = state
  const presence = session?.presence
  return (
    <header>
      <div class="who">
        <h1 id="title" dir="auto">
          {session?.site.title ?? 'Chat'}
        </h1>
        {presence && (
          <p>
            <i class={presence.online ? 'dot here' : 'dot'} />
            {presence.online
              ? presence.reply_minutes
                ? t('reply', { time: span(presence.reply_minutes) })
                : t('online')
              : presence.next_opening
                ? t('back', { time: weekday(presence.next_opening) })
                : t('away')}
          </p>
        )}
      </div>
      <button type="button" class="icon" aria-label={t('close')} onClick={close}>
        <Icon name="close" />
      </button>
    </header>
  )
}

/** Says that the connection is gone; after a moment only, so that a short gap does not flicker. */
function Banner({ state }: { state: State }): JSX.Element {
  const [late, setLate] = useState(false)
  const down = state.link !== 'up' && state.open && state.phase !== 'refused'
  useEffect(() => {
    if (!down) {
      setLate(false)
      return
    }
    const timer = setTimeout(() => setLate(true), 1_500)
    return () => clearTimeout(timer)
  }, [down])
  return (
    <div role="status">
      {down && (late || state.link === 'offline') && (
        <p class="banner">{t(state.link === 'offline' ? 'offline' : 'connecting')}</p>
      )}
    </div>
  )
}
