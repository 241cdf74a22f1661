import { gzipSync } from 'node:zlib'

import type { CheckOptions } from '../../../src/options.ts'
import { type Asked, type Choices, content, decideRightly, ids, type Reply, token } from '../export-server.ts'

/** A server with one fault, and the check that must find it. */
export interface Fault {
  readonly title: string
  readonly check: string
  readonly verdict?: 'warn'
  /** What the server chooses. */
  readonly choices?: Choices
  /** What becomes of a right response. */
  readonly change?: (reply: Reply, asked: Asked) => Reply
  readonly options?: CheckOptions
}

type Change = (reply: Reply, asked: Asked) => Reply

/** Other fields; `undefined` removes one. */
export const withFields = (reply: Reply, fields: Readonly<Record<string, string | undefined>>): Reply => ({
  ...reply,
  headers: Object.fromEntries<string>(
    Object.entries({ ...reply.headers, ...fields }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  ),
})

/** Changes the responses to some requests. */
export const on =
  (applies: (asked: Asked, reply: Reply) => boolean, change: Change): Change =>
  (reply, asked) =>
    applies(asked, reply) ? change(reply, asked) : reply

/** Changes the responses with a status. */
export const onStatus = (status: number, change: Change): Change =>
  on((_, reply) => reply.status === status, change)
/** Changes the responses to requests with a field. */
export const onField = (name: string, change: Change): Change =>
  on(({ headers }) => headers[name] !== undefined, change)
/** Changes the responses to a GET whose `Range` matches. */
export const onRange = (pattern: RegExp, change: Change): Change =>
  on(({ headers, method }) => method === 'GET' && pattern.test(headers.range ?? ''), change)

/** What the server would answer if the request were another one. */
const asIf =
  (other: (asked: Asked) => Partial<Asked>): Change =>
  (_, asked) =>
    decideRightly()({ ...asked, ...other(asked) })

/** Answers as if the request lacked a field. */
export const without = (name: string): Change =>
  asIf(({ headers }) => ({ headers: { ...headers, [name]: undefined } }))

/** Answers as if the request had the right token. */
export const authorized: Change = asIf(({ headers }) => ({
  headers: { ...headers, authorization: `Bearer ${token}` },
}))
/** The whole export. */
export const whole: Reply = {
  ...decideRightly()({
    method: 'GET',
    url: new URL(`http://h/exports/${ids.own}/download`),
    headers: { authorization: `Bearer ${token}` },
    nth: 1,
  }),
}
/** A range of it. */
export const range = (first: number, last: number, body = content.subarray(first, last + 1)): Reply =>
  withFields({ ...whole, status: 206, body }, { 'content-range': `bytes ${first}-${last}/${content.length}` })
export const zipped: Uint8Array = gzipSync(content)
/** Changes the whole export for a client that takes gzip. */
export const takesGzip = (change: Change): Change =>
  on(({ headers }, { status }) => status === 200 && /gzip/.test(headers['accept-encoding'] ?? ''), change)
