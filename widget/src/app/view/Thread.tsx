import { Component, createRef, type ComponentChildren, type JSX, type TargetedEvent } from 'preact'
import type { Chat } from '../chat'
import { clock, day, t } from '../i18n'
import { pieces } from '../thread'
import type { FileView, ItemView, State, Waiting } from '../types'
import { Icon } from './icons'

const NEAR = 80 // pixels from the end within which the thread keeps following
const PAUSE = 5 * 60_000 // a longer pause between two messages starts a new group

interface Props {
  state: State
  chat: Chat
}

export class Thread extends Component<Props> {
  #log = createRef<HTMLDivElement>()
  #near = true

  override componentDidMount(): void {
    this.componentDidUpdate()
  }

  override componentDidUpdate(): void {
    const box = this.#log.current
    if (box && this.#near) box.scrollTop = box.scrollHeight
  }

  #scrolled = ({ currentTarget: box }: TargetedEvent<HTMLDivElement>): void => {
    this.#near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR
  }

  render({ state, chat }: Props): JSX.Element {
    const { items, waiting, typing, session } = state
    const lastMine = waiting.length ? null : items.findLast((item) => item.mine)
    const greeting = session?.site.greeting
    return (
      <div
        class="log"
        ref={this.#log}
        role="log"
        aria-label={t('log')}
        tabIndex={0}
        onScroll={this.#scrolled}
      >
        {greeting && (
          <div class="item theirs last">
            <Bubble author="" text={greeting} />
          </div>
        )}
        {items.map((item, index) => (
          <Item
            key={item.client ?? item.id}
            item={item}
            before={items[index - 1]}
            after={items[index + 1]}
            fate={item === lastMine ? t(state.readAt > Date.parse(item.at) ? 'seen' : 'sent') : ''}
          />
        ))}
        {waiting.map((message) => (
          <Unsent key={message.id} message={message} chat={chat} link={state.link} />
        ))}
        {typing !== null && (
          <div class="item theirs last typing">
            <span class="hush">{typing ? `${typing} ${t('typing')}` : t('typingTeam')}</span>
            <div class="bubble" aria-hidden="true">
              <i />
              <i />
              <i />
            </div>
          </div>
        )}
      </div>
    )
  }
}

interface ItemProps {
  item: ItemView
  before: ItemView | undefined
  after: ItemView | undefined
  fate: string
}

function Item({ item, before, after, fate }: ItemProps): JSX.Element {
  const newDay = !before || new Date(before.at).toDateString() !== new Date(item.at).toDateString()
  const first = newDay || !together(before, item)
  const last = !after || !together(item, after)
  return (
    <>
      {newDay && <p class="day">{day(item.at)}</p>}
      <div class={`item ${item.mine ? 'mine' : 'theirs'} ${first ? 'first' : ''} ${last ? 'last' : ''}`}>
        {first && !item.mine && item.author && (
          <p class="author">
            <bdi>{item.author}</bdi>
          </p>
        )}
        <Bubble author={item.mine ? t('you') : (item.author ?? t('team'))} text={item.text} />
        {item.files.map((file) => (
          <Attached key={file.url || file.name} file={file} />
        ))}
        {last && (
          <p class="meta">
            <bdi>{clock(item.at)}</bdi>
            {fate && ` · ${fate}`}
          </p>
        )}
      </div>
    </>
  )
}

/** Whether two neighbours are one group: same side, same author, no long pause between them. */
function together(a: ItemView, b: ItemView): boolean {
  return a.mine === b.mine && a.author === b.author && Date.parse(b.at) - Date.parse(a.at) < PAUSE
}

function Unsent({ message, chat, link }: { message: Waiting; chat: Chat; link: State['link'] }): JSX.Element {
  return (
    <div class={`item mine first last ${message.failed ? 'failed' : 'going'}`}>
      <Bubble author={t('you')} text={message.text} />
      {message.files.map((file) => (
        <Attached key={file.file} file={{ ...file, url: '' }} />
      ))}
      <p class="meta">
        {message.failed ? (
          <>
            <span class="wrong">{t('failed')}</span>{' '}
            <button type="button" class="link" onClick={() => chat.retry(message.id)}>
              {t('retry')}
            </button>{' '}
            <button type="button" class="link" onClick={() => chat.discard(message.id)}>
              {t('discard')}
            </button>
          </>
        ) : (
          t(link === 'up' ? 'sending' : 'queued')
        )}
      </p>
    </div>
  )
}

/** Text is text: addresses become links, nothing becomes markup. */
function Bubble({ author, text }: { author: string; text: string }): JSX.Element | null {
  if (!text) return null
  const parts: ComponentChildren[] = pieces(text).map((piece) =>
    piece.href ? (
      <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow ugc">
        {piece.text}
      </a>
    ) : (
      piece.text
    ),
  )
  return (
    <div class="bubble">
      {author && <span class="hush">{author}: </span>}
      <p class="text" dir="auto">
        {parts}
      </p>
    </div>
  )
}

function Attached({ file }: { file: FileView }): JSX.Element {
  if (!file.url) return <FileLine file={file} />
  const image = /^image\/(png|jpeg|gif|webp)$/.test(file.type)
  return (
    <a
      class={image ? 'picture' : 'file'}
      href={file.url}
      target="_blank"
      rel="noopener noreferrer"
      download={file.name}
    >
      {image ? <img src={file.url} alt={file.name} loading="lazy" /> : <FileLine file={file} />}
    </a>
  )
}

function FileLine({ file }: { file: { name: string; size: number } }): JSX.Element {
  const kilobytes = Math.max(1, Math.round(file.size / 1024))
  return (
    <span class="fileline">
      <Icon name="file" />
      <bdi>{file.name}</bdi>
      <small>{kilobytes < 1024 ? `${kilobytes} KB` : `${(kilobytes / 1024).toFixed(1)} MB`}</small>
    </span>
  )
}
