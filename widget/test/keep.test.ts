import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Keep, uuid } from '../src/app/keep'
import type { Waiting } from '../src/app/types'

const message = (id: string, at: number): Waiting => ({ id, text: id, files: [], page: null, at })

describe('what the browser keeps', () => {
  beforeEach(() => localStorage.clear())

  it('comes back in the order in which it was written', () => {
    const keep = new Keep('site')
    for (const [id, at] of [
      ['b', 2],
      ['c', 3],
      ['a', 1],
    ] as const)
      keep.keep(message(id, at))
    expect(new Keep('site').waiting().map((one) => one.id)).toEqual(['a', 'b', 'c'])
    keep.drop('b')
    expect(keep.waiting().map((one) => one.id)).toEqual(['a', 'c'])
    expect(new Keep('other').waiting()).toEqual([])
  })

  it('is forgotten as a whole, and only ours', () => {
    localStorage.setItem('somebody', 'else')
    const [mine, other] = [new Keep('site'), new Keep('other')]
    mine.write({ token: 't' })
    mine.keep(message('a', 1))
    other.write({ token: 'o' })
    mine.clear()
    expect(mine.read()).toEqual({})
    expect(mine.waiting()).toEqual([])
    expect(other.read().token).toBe('o')
    expect(localStorage.getItem('somebody')).toBe('else')
  })

  it('survives what others write into its places', () => {
    localStorage.setItem('frontdesk:site:visit', '{broken')
    localStorage.setItem('frontdesk:site:out:x', 'null')
    expect(new Keep('site').read()).toEqual({})
    expect(new Keep('site').waiting()).toEqual([])
  })

  it('goes on in memory when the browser is full or forbids', async () => {
    vi.resetModules()
    vi.stubGlobal(
      'localStorage',
      new Proxy({} as Storage, {
        set: () => {
          throw new DOMException('full', 'QuotaExceededError')
        },
      }),
    )
    const { Keep: Fresh } = await import('../src/app/keep')
    const keep = new Fresh('site')
    keep.keep(message('a', 1))
    keep.write({ token: 't' })
    expect(keep.waiting().map((one) => one.id)).toEqual(['a'])
    expect(keep.read().token).toBe('t')
    vi.unstubAllGlobals()
  })
})

describe('the ids of messages', () => {
  it('are random UUIDs as the server wants them', () => {
    const ids = Array.from({ length: 1000 }, uuid)
    expect(new Set(ids).size).toBe(1000)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})
