// The page in the frame: listens to the one window that embedded it, and shows the chat.
import { render } from 'preact'
import { inkOn } from '../colour'
import { envelope, opened, type FromApp, type Options, type ToApp } from '../protocol'
import { Chat } from './chat'
import { language, speak } from './i18n'
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
  root.dataset.theme = options.theme ?? (dark.matches ? 'dark' : 'light')
  root.lang = language
  root.dir = options.dir ?? ''
  const colour = options.colour ?? chat.state.session?.site.colour
  if (colour) {
    root.style.setProperty('--accent', colour)
    root.style.setProperty('--accentink', inkOn(colour))
  }
}

async function show(): Promise<void> {
  const { session, phase } = chat.state
  if (phase === 'loading' && !speaking) return // before we know which language to speak
  const wanted = [options.lang ?? '', ...navigator.languages]
  speaking ??= speak(wanted, session?.site.languages)
  await speaking
  dress()
  document.title = session?.site.title ?? 'Chat'
  render(
    <App chat={chat} state={chat.state} close={() => tell({ type: 'close' })} />,
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
  const message = opened(event, parent, parentOrigin) as ToApp | null
  if (message) hear(message)
})
dress()
render(<div class="chat loading" />, document.getElementById('app') as HTMLElement)
if (parent !== window && parentOrigin) tell({ type: 'ready' })
