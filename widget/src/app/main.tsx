// The page in the frame: listens to the one window that embedded it, and shows the chat.
import { render } from 'preact'
import { inkOn, isColour } from '../colour'
import { envelope, opened, type FromApp, type Options, type ToApp } from '../protocol'
import { Chat } from './chat'
import { direction, language, speak } from './i18n'
import './style.css'
import { App } from './view/App'

const asked = new URL(location.href).searchParams
const inbox = asked.get('key') ?? ''
const parentOrigin = asked.get('o') ?? ''
const root = document.documentElement
const dark = matchMedia('(prefers-color-scheme: dark)')
let options: Options = {}
let speaking: Promise<void> | null = null

const tell = (message: FromApp): void => parent.postMessage(envelope(message), parentOrigin)
const chat = new Chat(inbox, parentOrigin, tell)

function dress(): void {
  const theme =
    options.theme === 'dark' || options.theme === 'light' ? options.theme : dark.matches ? 'dark' : 'light'
  const colour = options.colour ?? chat.state.session?.site.colour
  root.dataset.theme = theme
  root.lang = language
  root.dir =
    options.dir === 'rtl' || options.dir === 'ltr' ? options.dir : direction(options.lang ?? language)
  if (isColour(colour)) {
    root.style.setProperty('--accent', colour)
    root.style.setProperty('--accentink', inkOn(colour))
  }
}

async function show(): Promise<void> {
  const { session, phase } = chat.state
  if (phase === 'loading') return
  const wanted = [options.lang ?? '', ...navigator.languages]
  speaking ??= speak(
    wanted,
    session?.site.languages ?? [options.lang?.slice(0, 2) ?? '', 'en', 'de', 'es', 'fr', 'el'],
  )
  await speaking
  dress()
  document.title = session?.site.title ?? 'Chat'
  render(
    <App chat={chat} close={() => tell({ type: 'close' })} />,
    document.getElementById('app') as HTMLElement,
  )
}

function hear(message: ToApp): void {
  if (message.type === 'init') {
    options = message.options
    chat.page = message.page
    chat.begin(message.identity, message.open, message.forget)
  } else if (message.type === 'open') chat.opened(message.open)
  else if (message.type === 'page') chat.page = message.page
  else if (message.type === 'identify') chat.identify(message.identity)
  else if (message.type === 'reset') chat.reset()
  else {
    if (message.options.lang !== options.lang) speaking = null
    options = message.options
    void show()
  }
  dress()
}

dark.addEventListener('change', dress)
chat.subscribe(() => void show())
addEventListener('message', (event) => {
  const message = opened<ToApp>(event, parent, parentOrigin)
  if (message) hear(message)
})
dress()
render(<div class="chat loading" />, document.getElementById('app') as HTMLElement)
if (parent !== window && parentOrigin) tell({ type: 'ready' })
