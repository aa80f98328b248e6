import type { JSX, TargetedEvent } from 'preact'
import type { Chat } from '../chat'
import { label, t, tError } from '../i18n'
import type { Answers, Question, Site } from '../types'

interface PreChatProps {
  site: Site
  wrong: Record<string, string>
  chat: Chat
}

/** The questions before the chat. The server decides what is right; the browser's own checks come first. */
export function PreChat({ site: { greeting, form }, wrong, chat }: PreChatProps): JSX.Element {
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const answers: Answers = {}
    for (const { name, type } of form) {
      const value = data.get(name)
      if (type === 'consent') answers[name] = value !== null
      else if (typeof value === 'string' && value.trim()) answers[name] = value.trim()
    }
    chat.answer(answers)
  }
  return (
    <form class="ask" onSubmit={submit}>
      {greeting && (
        <p class="greeting" dir="auto">
          {greeting}
        </p>
      )}
      <h2>{t('formTitle')}</h2>
      {form.map((question, index) => (
        <Field key={question.name} question={question} code={wrong[question.name]} first={index === 0} />
      ))}
      <button class="primary">{t('start')}</button>
    </form>
  )
}

interface FieldProps {
  question: Question
  code: string | undefined
  first: boolean
}

function Field({ question, code, first }: FieldProps): JSX.Element {
  const { name, type, required } = question
  const id = `q-${name}`
  const common = {
    id,
    name,
    required,
    'aria-invalid': code !== undefined,
    'aria-describedby': code ? `${id}-e` : undefined,
    ...(first && { 'data-first': true }),
  }
  const typed = {
    ...common,
    type: type === 'email' ? type : type === 'phone' ? 'tel' : 'text',
    autocomplete: type === 'text' ? 'off' : type === 'phone' ? 'tel' : type,
    maxLength: 1000,
  }
  const mistake = code && (
    <small id={`${id}-e`} class="wrong">
      {tError('e_', code, 'e_required')}
    </small>
  )
  if (type === 'consent') {
    return (
      <div class="tick">
        <input type="checkbox" {...common} />
        <label for={id} dir="auto">
          {label(question.label)}
        </label>
        {mistake}
      </div>
    )
  }
  return (
    <div class="field">
      <label for={id} dir="auto">
        {label(question.label)} {!required && <span>({t('optional')})</span>}
      </label>
      {type === 'select' ? (
        <select {...common}>
          <option value="">{t('choose')}</option>
          {question.options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      ) : (
        <input {...(typed as JSX.IntrinsicElements['input'])} />
      )}
      {mistake}
    </div>
  )
}

/** Nobody is here: where shall the answer go? */
export function LeaveEmail({ email, chat }: { email: string; chat: Chat }): JSX.Element {
  if (email) {
    return (
      <p class="leave kept">
        <span>{t('emailKept', { email })}</span>{' '}
        <button type="button" class="link" onClick={() => chat.leaveEmail('')}>
          {t('change')}
        </button>
      </p>
    )
  }
  return (
    <form
      class="leave"
      onSubmit={(event) => {
        event.preventDefault()
        chat.leaveEmail(new FormData(event.currentTarget).get('email') as string)
      }}
    >
      <label for="leave">{t('emailTitle')}</label>
      <div>
        <input
          id="leave"
          name="email"
          type="email"
          autocomplete="email"
          required
          maxLength={254}
          placeholder={t('email')}
          data-first
        />
        <button class="primary">{t('emailSave')}</button>
      </div>
    </form>
  )
}
