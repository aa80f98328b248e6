// Plain requests to our own origin. A refusal has a code; everything else is a network that did not answer.
import type { Ticket, Upload } from './types'

const PATIENCE = 20_000
const PATIENCE_FILE = 120_000

interface ProblemJson {
  code?: string
  fields?: Record<string, string>
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code = '',
    readonly fields: Record<string, string> = {},
    readonly retryAfter = 0,
  ) {
    super(code)
  }

  /** The same request may be accepted later. */
  get later(): boolean {
    return this.status >= 500 || [408, 425, 429].includes(this.status)
  }
}

/** GET, or POST of a `body`: a file as it is, anything else as JSON. Rejects with `Refused`, or as fetch does. */
export async function ask<T>(path: string, token: string | undefined, body?: unknown): Promise<T> {
  const file = body instanceof Blob
  const response = await fetch(`/widget/v1/${path}`, {
    headers: {
      'content-type': file ? 'application/octet-stream' : 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(body ? { method: 'POST', body: file ? body : JSON.stringify(body) } : {}),
    cache: 'no-store',
    signal: AbortSignal.timeout(file ? PATIENCE_FILE : PATIENCE),
  })
  const text = await response.text()
  if (response.ok) return (text ? JSON.parse(text) : null) as T
  let problem: ProblemJson = {}
  try {
    problem = JSON.parse(text) as ProblemJson
  } catch {
    // A proxy answered for the server; its status says enough.
  }
  const wait = Number(response.headers.get('retry-after')) * 1000
  throw new Refused(response.status, problem.code, problem.fields, wait)
}

/** Hand over one file; what becomes of it, never an error. */
export async function upload(file: File, limit: number, token: string | undefined): Promise<Partial<Upload>> {
  if (file.size > limit) return { state: 'failed', code: 'too_big' }
  try {
    const name = encodeURIComponent(file.name.slice(-200))
    return { state: 'done', ticket: await ask<Ticket>(`files?name=${name}`, token, file) }
  } catch (error) {
    return { state: 'failed', code: error instanceof Refused ? error.code : 'network' }
  }
}
