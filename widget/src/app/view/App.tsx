import { Component, createRef, type JSX, type TargetedDragEvent } from 'preact'
import type { Chat } from '../chat'
import { span, t, tError, weekday } from '../i18n'
import { mustAsk } from '../state'
import type { Presence, State } from '../types'
import { Composer } from './Composer'
import { Icon } from './icons'
import { LeaveEmail, PreChat } from './Forms'
import { Thread } from './Thread'

interface Props {
  chat: Chat
  state: State
  close: () => void
}

// Classes where something is remembered or focused, functions elsewhere: without the hooks library the app is 1.4 KB smaller.
export class App extends Component<Props> {
  #root = createRef<HTMLDivElement>()

  override componentDidMount(): void {
    this.#focus('[data-first]')
  }

  override componentDidUpdate({ state: before }: Props): void {
    const { state } = this.props
    if (state.wrong !== before.wrong) this.#focus('[aria-invalid=true]')
    else if (state.open !== before.open || state.phase !== before.phase || state.answers !== before.answers) {
      this.#focus('[data-first]')
    }
  }

  #focus(what: string): void {
    if (this.props.state.open) this.#root.current?.querySelector<HTMLElement>(what)?.focus()
  }

  #accept = (files: FileList | undefined | null): void => {
    for (const file of files ?? []) void this.props.chat.upload(file)
  }

  #drag = (event: TargetedDragEvent<HTMLDivElement>): void => {
    event.preventDefault()
    if (event.type === 'drop' && !mustAsk(this.props.state)) this.#accept(event.dataTransfer?.files)
  }

  render({ chat, state, close }: Props): JSX.Element {
    const { session, phase, link, open } = state
    const asksEmail = session?.presence.away === 'email' && !session.email
    return (
      <div
        class="chat"
        ref={this.#root}
        role="dialog"
        aria-labelledby="title"
        onKeyDown={(event) => {
          if (event.key === 'Escape' && !event.isComposing) close()
        }}
        onDragOver={this.#drag}
        onDrop={this.#drag}
      >
        <header>
          <div class="who">
            <h1 id="title">
              <bdi>{session?.site.title ?? 'Chat'}</bdi>
            </h1>
            {session && (
              <p>
                <i class={session.presence.online ? 'dot here' : 'dot'} />
                {expectation(session.presence)}
              </p>
            )}
          </div>
          <button type="button" class="icon" aria-label={t('close')} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        <div role="status">
          {link !== 'up' && open && phase === 'ready' && <p class={`banner ${link}`}>{t(link)}</p>}
        </div>
        <main>
          {phase === 'refused' ? (
            <p class="refused" tabIndex={-1} data-first>
              {tError('r_', state.code, 'r_other')}
            </p>
          ) : !session ? null : mustAsk(state) ? (
            <PreChat site={session.site} wrong={state.wrong} chat={chat} />
          ) : (
            <>
              <Thread state={state} chat={chat} />
              {asksEmail && <LeaveEmail email={state.email} chat={chat} />}
              <Composer state={state} chat={chat} accept={this.#accept} />
            </>
          )}
        </main>
      </div>
    )
  }
}

/** What a visitor may expect: an answer soon, or when somebody is back. */
function expectation({ online, reply_minutes: minutes, next_opening: back }: Presence): string {
  if (online) return minutes ? t('reply', { time: span(minutes) }) : t('online')
  return back ? t('back', { time: weekday(back) }) : t('away')
}
