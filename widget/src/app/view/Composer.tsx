import { Component, createRef, type JSX } from 'preact'
import type { Chat } from '../chat'
import { t, tError } from '../i18n'
import { needsEmail } from '../state'
import type { State, Upload } from '../types'
import { Icon } from './icons'

const EMOJI = '😀 😂 😊 😍 😉 🤔 😢 😡 😮 🙏 👍 👎 👏 👋 🙌 💪 ❤️ 🎉 🔥 ✅ ❌ ⭐ 📞 📅'.split(' ')
const TALLEST = 140 // pixels

interface Props {
  state: State
  chat: Chat
  accept: (files: FileList | undefined | null) => void
}

interface Draft {
  text: string
  picking: boolean
}

export class Composer extends Component<Props, Draft> {
  override state: Draft = { text: '', picking: false }
  #area = createRef<HTMLTextAreaElement>()
  #chooser = createRef<HTMLInputElement>()
  #picker = createRef<HTMLButtonElement>()

  override componentDidUpdate(_: Props, before: Draft): void {
    const box = this.#area.current
    if (!box || before.text === this.state.text) return
    box.style.height = ''
    box.style.height = `${Math.min(box.scrollHeight, TALLEST)}px`
  }

  #ready(): boolean {
    const { uploads } = this.props.state
    const something = this.state.text.trim() || uploads.some((upload) => upload.state === 'done')
    return (
      Boolean(something) &&
      !needsEmail(this.props.chat.state) &&
      uploads.every((upload) => upload.state !== 'going')
    )
  }

  #send = (): void => {
    if (needsEmail(this.props.chat.state)) {
      document.querySelector<HTMLFormElement>('.leave')?.requestSubmit() // says what is missing
    }
    if (!this.#ready()) return
    this.props.chat.send(this.state.text)
    this.setState({ text: '' })
    this.#area.current?.focus()
  }

  #insert(emoji: string): void {
    const { text } = this.state
    const at = this.#area.current?.selectionEnd ?? text.length
    this.setState({ text: text.slice(0, at) + emoji + text.slice(at), picking: false })
    this.#area.current?.focus()
  }

  render({ state, chat, accept }: Props, { text, picking }: Draft): JSX.Element {
    const site = state.session?.site
    return (
      <footer
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || !picking) return
          event.stopPropagation()
          this.setState({ picking: false })
          this.#picker.current?.focus()
        }}
      >
        {state.uploads.length > 0 && (
          <ul class="uploads">
            {state.uploads.map((upload) => (
              <Chip
                key={upload.key}
                upload={upload}
                chat={chat}
                megabytes={(site?.max_file_bytes ?? 0) >> 20}
              />
            ))}
          </ul>
        )}
        {picking && (
          <div class="emoji" role="group" aria-label={t('emoji')}>
            {EMOJI.map((emoji) => (
              <button key={emoji} type="button" onClick={() => this.#insert(emoji)}>
                {emoji}
              </button>
            ))}
          </div>
        )}
        <div class="row">
          <textarea
            ref={this.#area}
            rows={1}
            dir="auto"
            data-first
            value={text}
            maxLength={site?.max_text}
            aria-label={t('write')}
            placeholder={t('write')}
            enterkeyhint="send"
            onInput={(event) => {
              this.setState({ text: event.currentTarget.value })
              chat.typing()
            }}
            onPaste={(event) => {
              if (!event.clipboardData?.files.length) return
              event.preventDefault()
              accept(event.clipboardData.files)
            }}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
              event.preventDefault()
              this.#send()
            }}
          />
          <button
            type="button"
            class="icon"
            ref={this.#picker}
            aria-label={t('emoji')}
            aria-expanded={picking}
            onClick={() => this.setState({ picking: !picking })}
          >
            <Icon name="emoji" />
          </button>
          <button
            type="button"
            class="icon"
            aria-label={t('attach')}
            onClick={() => this.#chooser.current?.click()}
          >
            <Icon name="attach" />
          </button>
          <button
            type="button"
            class="icon go"
            aria-label={t('send')}
            aria-disabled={!this.#ready()}
            onClick={this.#send}
          >
            <Icon name="send" />
          </button>
          <input
            ref={this.#chooser}
            type="file"
            multiple
            hidden
            onChange={(event) => {
              accept(event.currentTarget.files)
              event.currentTarget.value = ''
            }}
          />
        </div>
      </footer>
    )
  }
}

function Chip({ upload, chat, megabytes }: { upload: Upload; chat: Chat; megabytes: number }): JSX.Element {
  return (
    <li class={upload.state}>
      <bdi>{upload.name}</bdi>
      {upload.state === 'failed' && (
        <span class="wrong" role="alert">
          {tError('e_', upload.code ?? '', 'e_network', { mb: megabytes })}
        </span>
      )}
      <button
        type="button"
        class="icon"
        aria-label={t('remove', { name: upload.name })}
        onClick={() => chat.unattach(upload.key)}
      >
        <Icon name="close" />
      </button>
    </li>
  )
}
