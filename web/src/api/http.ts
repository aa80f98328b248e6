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

type Query = Record<string, string | number | boolean | null | undefined>;
interface Options {
  query?: Query;
  body?: unknown;
  /** Idempotency-Key of a POST; a fresh one is made when absent. */
  key?: string;
  signal?: AbortSignal;
}

let csrf = "";
let onSignedOut: () => void = () => undefined;
let skew = 0;

export const setCsrf = (token: string): void => {
  csrf = token;
};
export const whenSignedOut = (listener: () => void): void => {
  onSignedOut = listener;
};
/** Milliseconds since the epoch by the server's clock, as far as its Date headers tell. */
export const serverNow = (): number => Date.now() + skew;

export const base = "/api/v1";

export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return base + path + (text && `?${text}`);
}

function headersFor(method: string, options: Options): Record<string, string> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (method === "POST") headers["Idempotency-Key"] = options.key ?? crypto.randomUUID();
  if (options.body instanceof Blob) headers["Content-Type"] = options.body.type || "application/octet-stream";
  else if (options.body !== undefined) headers["Content-Type"] = "application/json";
  return headers;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback = { title: response.statusText, status: response.status, code: "error", detail: "" };
  try {
    const body = (await response.json()) as Partial<Problem>;
    return { ...fallback, ...body, status: response.status };
  } catch {
    return { ...fallback, detail: `The server answered ${response.status}.` };
  }
}

async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers: headersFor(method, options),
      body: options.body instanceof Blob ? options.body : options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
      credentials: "same-origin",
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable("The server cannot be reached.");
  }
  const date = Date.parse(response.headers.get("Date") ?? "");
  // The header has whole seconds only: smaller differences are noise.
  if (date) skew = Math.abs(date - Date.now()) > 2_000 ? date - Date.now() : 0;
  if (!response.ok) {
    const problem = await problemOf(response);
    if (response.status === 401 && problem.code !== "wrong_credentials") onSignedOut();
    throw new ApiError(problem);
  }
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) => request<T>("GET", path, { query, signal });
export const post = <T>(path: string, body?: unknown, options: Options = {}) => request<T>("POST", path, { ...options, body });
export const patch = <T>(path: string, body: unknown) => request<T>("PATCH", path, { body });
export const put = <T>(path: string, body?: unknown) => request<T>("PUT", path, { body });
export const remove = <T>(path: string, body?: unknown) => request<T>("DELETE", path, { body });
