import type { JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Chat } from '../chat'
import { t, tError } from '../i18n'
import type { State, Upload } from '../types'
import { Icon } from './icons'

const EMOJI = '😀 😂 😊 😍 😉 🤔 😢 😡 😮 🙏 👍 👎 👏 👋 🙌 💪 ❤️ 🎉 🔥 ✅ ❌ ⭐ 📞 📅'.split(' ')
const TALLEST = 140 // pixels

interface Props {
  state: State
  chat: Chat
  waitsForEmail: boolean
  accept: (files: FileList | undefined | null) => void
}

export function Composer({ state, chat, waitsForEmail, accept }: Props): JSX.Element {
  const [text, setText] = useState('')
  const [picking, pick] = useState(false)
  const area = useRef<HTMLTextAreaElement>(null)
  const chooser = useRef<HTMLInputElement>(null)
  const picker = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => {
    const box = area.current
    if (!box) return
    box.style.height = ''
    box.style.height = `${Math.min(box.scrollHeight, TALLEST)}px`
  }, [text])

  const uploading = state.uploads.some((upload) => upload.state === 'going')
  const something = text.trim() !== '' || state.uploads.some((upload) => upload.state === 'done')
  const ready = something && !uploading && !waitsForEmail
  const send = (): void => {
    if (!ready) return
    chat.send(text)
    setText('')
    area.current?.focus()
  }
  const insert = (emoji: string): void => {
    const box = area.current
    const at = box?.selectionEnd ?? text.length
    setText(text.slice(0, at) + emoji + text.slice(at))
    pick(false)
    box?.focus()
  }
  return (
    <footer>
      {state.uploads.length > 0 && (
        <ul class="uploads">
          {state.uploads.map((upload) => (
            <Chip
              key={upload.key}
              upload={upload}
              chat={chat}
              megabytes={(state.session?.site.max_file_bytes ?? 0) >> 20}
            />
          ))}
        </ul>
      )}
      {picking && (
        <div
          class="emoji"
          role="group"
          aria-label={t('emoji')}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return
            event.stopPropagation()
            pick(false)
            picker.current?.focus()
          }}
        >
          {EMOJI.map((emoji) => (
            <button key={emoji} type="button" onClick={() => insert(emoji)}>
              {emoji}
            </button>
          ))}
        </div>
      )}
      <div class="row">
        <textarea
          ref={area}
          rows={1}
          dir="auto"
          data-first
          value={text}
          maxLength={state.session?.site.max_text}
          aria-label={t('write')}
          placeholder={t('write')}
          enterKeyHint="send"
          onInput={(event) => {
            setText(event.currentTarget.value)
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
            send()
          }}
        />
        <button
          type="button"
          class="icon"
          ref={picker}
          aria-label={t('emoji')}
          aria-expanded={picking}
          onClick={() => pick(!picking)}
        >
          <Icon name="emoji" />
        </button>
        <button type="button" class="icon" aria-label={t('attach')} onClick={() => chooser.current?.click()}>
          <Icon name="attach" />
        </button>
        <button type="button" class="icon go" aria-label={t('send')} aria-disabled={!ready} onClick={send}>
          <Icon name="send" />
        </button>
        <input
          ref={chooser}
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
