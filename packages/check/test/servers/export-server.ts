import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'

/** A request to the server. */
export interface Asked {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  /** Counts the requests, from 1. */
  readonly nth: number
}

/** A response of the server. */
export interface Reply {
  /** 0: no response; the connection is destroyed. -1: no response; the connection stays open. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Whether to send the body without Content-Length. */
  readonly isChunked?: boolean
  /** Destroys the connection after so many bytes of the body of a GET. */
  readonly cutAt?: number
}

/** Decides on a response. */
export type Decide = (asked: Asked) => Reply

/** Choices that RFC 9110 leaves to a server. Absent: what Sallyport does. */
export interface Choices {
  readonly body?: Uint8Array
  /** `null`: no ETag. */
  readonly etag?: string | null
  /** `null`: no Last-Modified. */
  readonly lastModified?: string | null
  readonly hasRanges?: boolean
  /** More fields of a 200 and 206. `undefined` removes one. */
  readonly fields?: Readonly<Record<string, string | undefined>>
}

export const ids = {
  own: '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82',
  second: '2f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82',
  foreign: '3f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82',
}

/** A token with the form of a JWT. The server compares it as a text. */
export const token = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJjaGVjay10ZXN0In0.c2lnbmF0dXJlLW9mLXRoZS10ZXN0LXRva2Vu'

export const content: Uint8Array = Uint8Array.from({ length: 150_000 }, (_, index) => (index * 7919) % 251)
const lastModified = 'Fri, 01 May 2026 08:00:00 GMT'

const promises = {
  'cache-control': 'private, no-store, no-transform',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'referrer-policy': 'no-referrer',
  'content-disposition': 'attachment; filename="export.csv"',
  'content-type': 'text/csv; charset=utf-8',
  ratelimit: '"principal";r=59;t=1',
}

const digestOf = (bytes: Uint8Array): string =>
  `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`

/** A refusal as JSON. */
export const refuse = (status: number, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-request-id': 'id',
    ...headers,
  },
  body: Buffer.from(`{"status":${status}}`),
})

/** Decides as RFC 9110 says and as Sallyport promises. */
export function decideRightly(choices: Choices = {}): Decide {
  return (asked) => {
    const { method, headers, url } = asked
    if (method === 'OPTIONS')
      return { status: 204, headers: { allow: 'GET, HEAD, OPTIONS' }, body: new Uint8Array() }
    if (method !== 'GET' && method !== 'HEAD') return refuse(405, { allow: 'GET, HEAD, OPTIONS' })
    const refused = authenticate(headers.authorization)
    if (refused) return refused
    const id = url.pathname.split('/').at(-2)
    if (id === ids.own) return serve(asked, choices)
    if (id === ids.second) return serve(asked, { ...choices, etag: '"second"' })
    return refuse(404)
  }
}

function authenticate(authorization: string | undefined): Reply | undefined {
  if (authorization === undefined) return refuse(401, { 'www-authenticate': 'Bearer realm="exports"' })
  if (authorization === `Bearer ${token}`) return undefined
  return refuse(401, { 'www-authenticate': 'Bearer realm="exports", error="invalid_token"' })
}

/** The export, without authentication. */
function serve({ method, headers }: Asked, choices: Choices): Reply {
  const { body = content, hasRanges = true } = choices
  const etag = choices.etag === undefined ? '"first"' : choices.etag
  const modified = choices.lastModified === undefined ? lastModified : choices.lastModified
  const fields = {
    ...promises,
    'accept-ranges': hasRanges ? 'bytes' : 'none',
    'repr-digest': digestOf(body),
    ...(etag !== null && { etag }),
    ...(modified !== null && { 'last-modified': modified }),
    ...choices.fields,
  }
  const sent = Object.fromEntries<string>(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  const verdict = evaluate(headers, etag, modified)
  if (verdict === 412) return refuse(412)
  if (verdict === 304) return { status: 304, headers: etag === null ? {} : { etag }, body: new Uint8Array() }
  const whole: Reply = { status: 200, headers: sent, body }
  if (method !== 'GET' || !hasRanges || !rangeApplies(headers, etag, modified)) return whole
  return partOf(whole, headers.range)
}

/** RFC 9110 §13.2.2. */
function evaluate(
  headers: IncomingHttpHeaders,
  etag: string | null,
  modified: string | null,
): 200 | 304 | 412 {
  const time = modified === null ? undefined : Date.parse(modified)
  const dateOf = (value: string | undefined): number | undefined =>
    value === undefined ? undefined : Date.parse(value)
  const unmodifiedSince = dateOf(headers['if-unmodified-since'])
  const modifiedSince = dateOf(headers['if-modified-since'])
  if (headers['if-match'] !== undefined) {
    if (headers['if-match'] !== etag || etag.startsWith('W/')) return 412
  } else if (time !== undefined && unmodifiedSince !== undefined && time > unmodifiedSince) return 412
  if (headers['if-none-match'] !== undefined) {
    if (opaque(headers['if-none-match']) === opaque(etag ?? '')) return 304
  } else if (time !== undefined && modifiedSince !== undefined && time <= modifiedSince) return 304
  return 200
}

const opaque = (etag: string): string => etag.replace(/^W\//, '')

const rangeApplies = (
  headers: IncomingHttpHeaders,
  etag: string | null,
  modified: string | null,
): boolean => {
  const ifRange = headers['if-range']
  return ifRange === undefined || (ifRange === etag && !etag.startsWith('W/')) || ifRange === modified
}

/** One range; a list and what is malformed are ignored. */
export function partOf(whole: Reply, range: string | undefined): Reply {
  const { body, headers } = whole
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? []
  if (from === '' && to === '') return whole
  const first = from === '' ? Math.max(0, body.length - Number(to)) : Number(from)
  const last = from === '' || to === '' ? body.length - 1 : Math.min(body.length - 1, Number(to))
  if (to !== '' && from !== '' && Number(to) < Number(from)) return whole
  if (first >= body.length) return refuse(416, { 'content-range': `bytes */${body.length}` })
  const contentRange = `bytes ${first}-${last}/${body.length}`
  return {
    status: 206,
    headers: { ...headers, 'content-range': contentRange },
    body: body.subarray(first, last + 1),
  }
}

/** A running server. */
export interface Running {
  readonly url: (id: string) => string
  /** The requests so far. */
  readonly asked: readonly Asked[]
  close(): Promise<void>
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startServer(decide: Decide): Promise<Running> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const one = askedBy(request, asked.length + 1)
    asked.push(one)
    send(decide(one), request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: (id) => `http://127.0.0.1:${address.port}/exports/${id}/download`,
    asked,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const askedBy = ({ method = '', url = '', headers }: IncomingMessage, nth: number): Asked => ({
  method,
  url: new URL(url, 'http://127.0.0.1'),
  headers,
  nth,
})

function send(reply: Reply, request: Pick<IncomingMessage, 'method'>, response: ServerResponse): void {
  const { status, headers, body, isChunked, cutAt } = reply
  const hasLength = !isChunked && status !== 204 && status !== 304
  if (status === 0) return void response.destroy()
  if (status < 0) return
  response.writeHead(status, { ...(hasLength && { 'content-length': body.length }), ...headers })
  if (cutAt !== undefined && request.method === 'GET')
    response.write(body.subarray(0, cutAt), () => response.destroy())
  else response.end(request.method === 'HEAD' ? undefined : body)
}
