// One typed client for every front end. Types come from the server's own description (schema.d.ts, generated);
// the transport is handed in: fetch in a browser, uni.request in a mini-program, which knows no fetch.
import type { components, paths } from './schema'

export type { components, paths } from './schema'
export type Schemas = components['schemas']

type Method = 'get' | 'post' | 'put' | 'delete'
type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: infer O } ? (O extends undefined ? never : P) : never
}[keyof paths]
type Operation<P extends keyof paths, M extends Method> = paths[P] extends { [K in M]: infer O } ? O : never
type Params<O, W extends 'path' | 'query'> = O extends { parameters: { [K in W]?: infer V } } ? NonNullable<V> : never
type JsonBody<O> = O extends { requestBody: { content: { 'application/json': infer B } } }
  ? B
  : O extends { requestBody?: { content: { 'application/json': infer B } } }
    ? B | undefined
    : undefined
type Ok<O> = O extends { responses: infer R }
  ? {
      [S in keyof R]: S extends 200 | 201 | 202
        ? R[S] extends { content: { 'application/json': infer D } }
          ? D
          : undefined
        : S extends 204
          ? undefined
          : never
    }[keyof R]
  : never
type WithPath<O> = [Params<O, 'path'>] extends [never] ? object : { path: Params<O, 'path'> }
type WithQuery<O> = [Params<O, 'query'>] extends [never]
  ? object
  : object extends Params<O, 'query'>
    ? { query?: Params<O, 'query'> }
    : { query: Params<O, 'query'> }
type WithBody<O> = JsonBody<O> extends undefined ? object : undefined extends JsonBody<O> ? { body?: JsonBody<O> } : { body: JsonBody<O> }

/** What every call may carry: the key of a deed (made once per deed, kept over retries), or a document as text. */
export interface Extras {
  idempotencyKey?: string
  /** A YAML document instead of a JSON body. */
  document?: string
  /** The content type of `document`; YAML unless said otherwise. */
  mediaType?: string
  /** The version that was seen, for optimistic locking. */
  ifMatch?: string
}
/** A file as the server named it. */
export interface Fetched {
  name: string
  file: Blob
}
type Init<O> = WithPath<O> & WithQuery<O> & WithBody<O> & Extras
type Args<O> = object extends Init<O> ? [init?: Init<O>] : [init: Init<O>]

/** A document with its version, to send along when a changed one is applied. */
export interface Versioned {
  text: string
  version: string
}

/** A request as a transport sends it. */
export interface Outgoing {
  method: string
  url: string
  headers: Record<string, string>
  body?: string
  /** The answer is a file: it comes as `file`, not as text. */
  wantsFile?: boolean
}
/** An answer as a transport gives it: whole, as text (what a server refuses is always text). Header names are in lower case. */
export interface Incoming {
  status: number
  headers: Record<string, string>
  text: string
  file?: Blob
}
export type Transport = (request: Outgoing) => Promise<Incoming>

/** A place in a form or document that is wrong. */
export interface Mistake {
  place?: string
  line?: number
  column?: number
  message?: string
  [key: string]: unknown
}

/** The server refused: a problem document (RFC 9457). `message` is a sentence in the reader's language. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly params: Record<string, string | number | boolean | null> = {},
    readonly errors: Mistake[] = [],
    readonly trace: string | null = null,
    readonly retryAfterS: number | null = null,
  ) {
    super(message)
    this.name = 'Problem'
  }
}

/** The server could not be asked at all: no network, or it is down. */
export class Unreachable extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'Unreachable'
  }
}

/** What a client asks its surroundings for. */
export interface Surroundings {
  /** Where the server is; empty for the page's own origin. */
  base?: string
  token?: () => string | null
  language?: () => string
  /** The company or partner one acts in, by code or id; null for one's own. */
  company?: () => string | null
  /** The access token is no longer good: get another one. True when the request is worth sending again. */
  renew?: () => Promise<boolean>
  /** The server wants a fresh proof of who one is. True when it was given. */
  confirm?: (problem: Problem) => Promise<boolean>
}

/** Return a key for a deed: whoever sends it twice does it once. */
export function deedKey(): string {
  const random = () => Math.floor(Math.random() * 0x1_0000_0000).toString(16).padStart(8, '0')
  return `${Date.now().toString(16)}-${random()}${random()}`
}

interface Loose extends Extras {
  path?: Record<string, unknown>
  query?: Record<string, unknown>
  body?: unknown
  wantsFile?: boolean
}

function addressOf(base: string, path: string, init: Loose): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(init.path?.[name])))
  const asked = Object.entries(init.query ?? {})
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((each) => [name, each] as const))
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
  return base + filled + (asked.length ? `?${asked.join('&')}` : '')
}

function problemOf(answer: Incoming): Problem {
  const retry = Number(answer.headers['retry-after'])
  const retryAfterS = Number.isFinite(retry) && retry > 0 ? retry : null
  try {
    const document = JSON.parse(answer.text) as Partial<Schemas['Problem']>
    return new Problem(
      answer.status,
      document.code ?? 'http',
      document.title ?? `HTTP ${answer.status}`,
      document.params ?? {},
      (document.errors ?? []) as Mistake[],
      document.trace ?? null,
      retryAfterS,
    )
  } catch {
    return new Problem(answer.status, 'http', `HTTP ${answer.status}`, {}, [], null, retryAfterS)
  }
}

/** The client of one server. */
export class Client {
  constructor(
    private readonly transport: Transport,
    private readonly around: Surroundings = {},
  ) {}

  get<P extends PathsWith<'get'>>(path: P, ...args: Args<Operation<P, 'get'>>): Promise<Ok<Operation<P, 'get'>>> {
    return this.call('GET', path, args[0]) as Promise<Ok<Operation<P, 'get'>>>
  }
  post<P extends PathsWith<'post'>>(path: P, ...args: Args<Operation<P, 'post'>>): Promise<Ok<Operation<P, 'post'>>> {
    return this.call('POST', path, args[0]) as Promise<Ok<Operation<P, 'post'>>>
  }
  put<P extends PathsWith<'put'>>(path: P, ...args: Args<Operation<P, 'put'>>): Promise<Ok<Operation<P, 'put'>>> {
    return this.call('PUT', path, args[0]) as Promise<Ok<Operation<P, 'put'>>>
  }
  delete<P extends PathsWith<'delete'>>(path: P, ...args: Args<Operation<P, 'delete'>>): Promise<Ok<Operation<P, 'delete'>>> {
    return this.call('DELETE', path, args[0]) as Promise<Ok<Operation<P, 'delete'>>>
  }

  /** Ask for anything and return its text, e.g. a document in YAML. Raises `Problem` and `Unreachable`. */
  async text(method: string, path: string, init: unknown = {}): Promise<string> {
    return (await this.exchange(method, path, init as Loose)).text
  }

  /** Read a document and its version (`ETag`). Raises `Problem` and `Unreachable`. */
  async document(path: string, init: unknown = {}): Promise<Versioned> {
    const answer = await this.exchange('GET', path, init as Loose)
    return { text: answer.text, version: (answer.headers['etag'] ?? '').replace(/^W\//, '').replaceAll('"', '') }
  }

  /** Fetch a file, e.g. a table or an archive. Raises `Problem` and `Unreachable`. */
  async file(method: string, path: string, init: unknown = {}): Promise<Fetched> {
    const answer = await this.exchange(method, path, { ...(init as Loose), wantsFile: true })
    const name = /filename="?([^";]+)"?/.exec(answer.headers['content-disposition'] ?? '')?.[1]
    return { name: name ?? path.slice(path.lastIndexOf('/') + 1), file: answer.file ?? new Blob([answer.text]) }
  }

  private async call(method: string, path: string, init: unknown): Promise<unknown> {
    const answer = await this.exchange(method, path, (init ?? {}) as Loose)
    return answer.text ? JSON.parse(answer.text) : undefined
  }

  private async exchange(method: string, path: string, init: Loose): Promise<Incoming> {
    // One key for all tries of this call: who answers a second time does not act a second time.
    const key = init.idempotencyKey ?? (method === 'POST' ? deedKey() : undefined)
    let renewed = false
    let confirmed = false
    for (;;) {
      const answer = await this.transport(this.outgoing(method, path, init, key))
      if (answer.status < 400) return answer
      const problem = problemOf(answer)
      if (problem.code === 'auth.confirm_needed') {
        if (confirmed || !(await this.around.confirm?.(problem))) throw problem
        confirmed = true
      } else if (problem.status === 401 && !renewed && path !== '/v1/auth/refresh' && (await this.around.renew?.())) {
        renewed = true
      } else {
        throw problem
      }
    }
  }

  private outgoing(method: string, path: string, init: Loose, key: string | undefined): Outgoing {
    const headers: Record<string, string> = { accept: 'application/json' }
    const token = this.around.token?.()
    if (token) headers['authorization'] = `Bearer ${token}`
    const language = this.around.language?.()
    if (language) headers['accept-language'] = language
    const company = this.around.company?.()
    if (company) headers['x-openberth-company'] = company
    if (key) headers['idempotency-key'] = key
    if (init.ifMatch) headers['if-match'] = init.ifMatch
    let body: string | undefined
    if (init.document !== undefined) {
      headers['content-type'] = init.mediaType ?? 'application/yaml'
      body = init.document
    } else if (init.body !== undefined) {
      headers['content-type'] = 'application/json'
      body = JSON.stringify(init.body)
    }
    return { method, url: addressOf(this.around.base ?? '', path, init), headers, body, wantsFile: init.wantsFile }
  }
}
