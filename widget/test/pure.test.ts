import { describe, expect, it } from 'vitest'
import de from '../src/app/i18n/de.json'
import el from '../src/app/i18n/el.json'
import en from '../src/app/i18n/en'
import es from '../src/app/i18n/es.json'
import fr from '../src/app/i18n/fr.json'
import { cutter } from '../src/app/stream'
import { hear, pieces, stillWaiting, unseen } from '../src/app/thread'
import type { ItemView, Waiting } from '../src/app/types'
import { inkOn } from '../src/colour'
import { envelope, opened } from '../src/protocol'

function item(id: string, more: Partial<ItemView> = {}): ItemView {
  const at = `2026-11-20T10:00:0${id}.000000Z`
  return { cursor: Number(id), id, client: null, mine: false, text: id, author: null, at, files: [], ...more }
}

function waiting(id: string): Waiting {
  return { id, text: id, files: [], page: null, at: 0 }
}

describe('the thread', () => {
  it('keeps the order of time, whatever the order of arrival', () => {
    const heard = ['3', '1', '2'].reduce<ItemView[]>((items, id) => hear(items, item(id)), [])
    expect(heard.map((one) => one.id)).toEqual(['1', '2', '3'])
  })

  it('shows a message once, however often and in whatever order it is heard', () => {
    const news = [item('1'), item('2'), item('1', { cursor: 9, text: 'edited' }), item('1'), item('2')]
    const once = news.reduce<ItemView[]>(hear, [])
    expect(once.map((one) => one.text)).toEqual(['edited', '2'])
  })

  it('puts the echo of our own message in its place', () => {
    const mine = item('a', { id: 'a', client: 'a', mine: true, cursor: 0, at: '2026-11-20T10:00:01Z' })
    const echo = item('7', { client: 'a', mine: true })
    expect(hear([mine, item('2')], echo).map((one) => one.id)).toEqual(['7', '2'])
    expect(stillWaiting([waiting('a'), waiting('b')], [echo]).map((one) => one.id)).toEqual(['b'])
  })

  it('counts what the team said since', () => {
    const items = [item('1'), item('2', { mine: true }), item('3')]
    expect(unseen(items, Date.parse('2026-11-20T10:00:01Z')).map((one) => one.id)).toEqual(['3'])
  })
})

describe('links in a text', () => {
  const links = (text: string): (string | undefined)[] => pieces(text).flatMap((piece) => piece.href ?? [])

  it('are addresses of the web and nothing else', () => {
    expect(links('javascript:alert(1) data:x ftp://x mailto:a@b')).toEqual([])
    expect(links('see https://example.org/a?b=(c), and HTTP://x.example!')).toEqual([
      'https://example.org/a?b=(c',
      'HTTP://x.example',
    ])
    expect(links('https://')).toEqual([])
  })

  it('come out of any text whole, as addresses of the web, in a time that grows with its length', () => {
    let seed = 1
    const chance = (below: number): number => (seed = (seed * 48271) % 2147483647) % below
    const parts = [
      ...[
        'https://',
        'http://',
        'HTTPS://',
        'https:',
        '//',
        'www.',
        'a.example',
        'javascript:',
        'data:',
        '@',
        '?',
        '#',
      ],
      ...[
        '.',
        ',',
        ')',
        '(',
        ']',
        '"',
        "'",
        '<',
        '>',
        '&',
        ';',
        ':',
        '!',
        '…',
        ' ',
        '\n',
        '\u00a0',
        '\u200b',
        '\u202e',
      ],
      ...['é', '中', '👩‍👧', '\ud83d', '\udc69', '\0', '%00', '\\', '-', 'x', '://', 'https://https://'],
    ]
    for (let round = 0; round < 5000; round++) {
      const text = Array.from({ length: chance(14) }, () => parts[chance(parts.length)]).join('')
      const found = pieces(text)
      expect(found.map((piece) => piece.text).join('')).toBe(text)
      for (const { text: shown, href } of found)
        if (href !== undefined) {
          expect(href).toMatch(/^https?:\/\/[^\s"<>]/i)
          expect(href).toBe(shown)
        }
    }
    const took = (text: string): number => {
      const began = performance.now()
      expect(pieces(text).length).toBeGreaterThan(0)
      return performance.now() - began
    }
    expect(took(`https://a${'.'.repeat(100_000)}x`)).toBeLessThan(2000)
    for (const part of ['https://', '.', 'https://a.', 'https://a)', '://', 'https://a.example/' + '.,)'])
      expect(took(part.repeat(100_000 / part.length)), part).toBeLessThan(2000)
  })

  it('lose nothing of the text', () => {
    for (const text of ['', 'plain', 'https://a.example', 'x https://a.example. y https://b.example/"z"']) {
      expect(
        pieces(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text)
    }
  })
})

describe('the stream', () => {
  const whole =
    ': beat\n\nid: 7\nevent: message\ndata: {"a":\ndata: 1}\n\nevent: typing\r\ndata:{}\r\n\r\nid: 8\nda'

  it('is the same however it is cut', () => {
    for (let size = 1; size < whole.length; size++) {
      const cut = cutter()
      const frames = []
      for (let at = 0; at < whole.length; at += size) frames.push(...cut(whole.slice(at, at + size)))
      expect(frames).toEqual([
        { id: '7', event: 'message', data: '{"a":\n1}' },
        { id: '', event: 'typing', data: '{}' },
      ])
    }
  })
})

describe('black or white', () => {
  it('can always be read', () => {
    const luminance = (colour: string): number => {
      const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
        const value = parseInt(colour.slice(at, at + 2), 16) / 255
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    for (let n = 0; n < 4096; n++) {
      const colour = '#' + n.toString(16).padStart(3, '0').replace(/./g, '$&$&')
      const light = luminance(colour)
      const contrast = inkOn(colour) === '#fff' ? 1.05 / (light + 0.05) : (light + 0.05) / 0.05
      expect(contrast, colour).toBeGreaterThanOrEqual(4.5)
    }
  })
})

describe('messages between the windows', () => {
  const event = (more: Partial<MessageEvent>): MessageEvent =>
    ({
      source: window,
      origin: 'https://a.example',
      data: envelope({ type: 'close' }),
      ...more,
    }) as MessageEvent

  it('are opened only from the right window and origin', () => {
    const open = (more: Partial<MessageEvent>, source: unknown = window): unknown =>
      opened(event(more), source, 'https://a.example')
    expect(open({})).toEqual({ type: 'close' })
    expect(open({ origin: 'https://b.example' })).toBeNull()
    expect(open({ source: null })).toBeNull()
    expect(open({ source: null }, null)).toBeNull()
    expect(open({}, {})).toBeNull()
    for (const data of [null, 'close', 7, { type: 'close' }, { frontdesk: 2, message: {} }]) {
      expect(open({ data })).toBeNull()
    }
  })
})

describe('the languages', () => {
  const blanks = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort()

  it.each(Object.entries({ de, el, es, fr }))('%s says everything that English says', (_, pack) => {
    expect(Object.keys(pack).sort()).toEqual(Object.keys(en).sort())
    for (const [name, text] of Object.entries(en)) {
      const translated = pack[name as keyof typeof en]
      expect(translated.trim(), name).not.toBe('')
      expect(blanks(translated), name).toEqual(blanks(text))
    }
  })
})
