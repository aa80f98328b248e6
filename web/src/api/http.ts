// The one door to the server: the generated client with the session's headers, and errors as sentences.
import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./schema";
import type { Problem } from "./types";

/** What the server answered instead of a result. `message` is its sentence for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: Record<string, string>;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.status = problem.status;
    this.code = problem.code;
    this.fields = problem.fields ?? {};
  }
}

/** The request may or may not have reached the server: nobody answered. */
export class Unreachable extends Error {}

/** A sentence for people, whatever was thrown. */
export const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));

let csrf = "";
let onSignedOut: () => void = () => undefined;
let skew = 0;

export const setCsrf = (token: string | null): void => {
  csrf = token ?? "";
};
export const whenSignedOut = (listener: () => void): void => {
  onSignedOut = listener;
};
/** Milliseconds since the epoch by the server's clock, as far as its Date headers tell. */
export const serverNow = (): number => Date.now() + skew;

/** Date headers have whole seconds only: smaller differences are noise. */
const NOISE_MS = 2_000;

const session: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("X-CSRF-Token", csrf);
    if (request.method === "POST" && !request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    }
  },
  onResponse({ response }) {
    const date = Date.parse(response.headers.get("Date") ?? "");
    if (date) skew = Math.abs(date - Date.now()) > NOISE_MS ? date - Date.now() : 0;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    return new Unreachable("The server cannot be reached.");
  },
};

export const client = createClient<paths>({
  baseUrl: typeof location === "undefined" ? "" : location.origin,
  credentials: "same-origin",
  // Looked up at each call, so that tests can put their own in place.
  fetch: (request) => fetch(request),
  querySerializer: { array: { style: "form", explode: true } },
});
client.use(session);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The result of a call, or its problem thrown. */
export async function result<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  const known = typeof error === "object" && error !== null ? (error as Partial<Problem>) : {};
  const fallback = { title: response.statusText, code: "error", detail: `The server answered ${response.status}.` };
  const problem = { ...fallback, ...known, status: response.status };
  if (response.status === 401 && problem.code !== "wrong_credentials") onSignedOut();
  throw new ApiError(problem);
}

/** The address of something the browser itself opens: a frame, a new tab, the event stream. */
export function address(path: string, query: Record<string, string | number> = {}): string {
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
  return `/api/v1${path}${search && `?${search}`}`;
}
