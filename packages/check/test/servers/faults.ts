import { gzipSync } from 'node:zlib'

import type { CheckOptions } from '../../src/options.ts'
import {
  type Asked,
  type Choices,
  content,
  decideRightly,
  ids,
  partOf,
  refuse,
  type Reply,
  token,
} from './export-server.ts'

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
const withFields = (reply: Reply, fields: Readonly<Record<string, string | undefined>>): Reply => ({
  ...reply,
  headers: Object.fromEntries<string>(
    Object.entries({ ...reply.headers, ...fields }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  ),
})

const on =
  (applies: (asked: Asked, reply: Reply) => boolean, change: Change): Change =>
  (reply, asked) =>
    applies(asked, reply) ? change(reply, asked) : reply

const onStatus = (status: number, change: Change): Change => on((_, reply) => reply.status === status, change)
const onField = (name: string, change: Change): Change =>
  on(({ headers }) => headers[name] !== undefined, change)
const onRange = (pattern: RegExp, change: Change): Change =>
  on(({ headers, method }) => method === 'GET' && pattern.test(headers.range ?? ''), change)

/** What the server would answer if the request were another one. */
const asIf =
  (other: (asked: Asked) => Partial<Asked>): Change =>
  (_, asked) =>
    decideRightly()({ ...asked, ...other(asked) })

const without = (name: string): Change =>
  asIf(({ headers }) => ({ headers: { ...headers, [name]: undefined } }))

const authorized = asIf(({ headers }) => ({ headers: { ...headers, authorization: `Bearer ${token}` } }))
const whole: Reply = {
  ...decideRightly()({
    method: 'GET',
    url: new URL(`http://h/exports/${ids.own}/download`),
    headers: { authorization: `Bearer ${token}` },
    nth: 1,
  }),
}
const range = (first: number, last: number, body = content.subarray(first, last + 1)): Reply =>
  withFields({ ...whole, status: 206, body }, { 'content-range': `bytes ${first}-${last}/${content.length}` })
const zipped = gzipSync(content)
const takesGzip = (change: Change): Change =>
  on(({ headers }, { status }) => status === 200 && /gzip/.test(headers['accept-encoding'] ?? ''), change)

const ofFraming: readonly Fault[] = [
  {
    title: 'breaks off in mid-body',
    check: 'framing.complete',
    change: onStatus(200, (reply) => ({ ...reply, cutAt: 100_000 })),
  },
  {
    title: 'drops the connection at HEAD with Range',
    check: 'framing.answered',
    change: on(
      ({ method, headers }) => method === 'HEAD' && headers.range !== undefined,
      (reply) => ({ ...reply, status: 0 }),
    ),
  },
  {
    title: 'sends the whole in chunks',
    check: 'framing.length',
    change: onStatus(200, (reply, { method }) => ({ ...reply, isChunked: method === 'GET' })),
  },
  {
    title: 'has another size in every response',
    check: 'framing.same-length',
    change: on(
      ({ method, headers }, { status }) =>
        status === 200 && method === 'GET' && headers['if-none-match'] !== undefined,
      (reply) => ({ ...reply, body: reply.body.subarray(1) }),
    ),
  },
]

const ofValidators: readonly Fault[] = [
  { title: 'ETag without quotes', check: 'validators.etag-syntax', choices: { etag: 'first' } },
  {
    title: 'another ETag for every request',
    check: 'validators.stable',
    change: (reply, { nth }) =>
      reply.headers['etag'] === undefined ? reply : withFields(reply, { etag: `"${nth}"` }),
    options: { secondUrl: undefined },
  },
  { title: 'a weak ETag', check: 'validators.strong', choices: { etag: 'W/"first"' } },
  { title: 'no ETag', check: 'validators.strong', choices: { etag: null } },
  {
    title: 'Last-Modified in the future',
    check: 'validators.last-modified',
    choices: { lastModified: 'Fri, 01 May 2099 08:00:00 GMT' },
  },
  {
    title: 'Last-Modified in another form',
    check: 'validators.last-modified',
    choices: { lastModified: '2026-05-01T08:00:00Z' },
  },
  {
    title: 'the same ETag for another export',
    check: 'validators.differ',
    change: on(
      ({ url }) => url.pathname.includes(ids.second),
      (reply) => withFields(reply, { etag: '"first"' }),
    ),
  },
]

const ofRanges: readonly Fault[] = [
  {
    title: 'promises ranges and ignores them',
    check: 'ranges.as-advertised',
    change: onStatus(206, () => whole),
  },
  { title: 'has no ranges', check: 'ranges.supported', choices: { hasRanges: false } },
  {
    title: 'begins a range at another byte',
    check: 'ranges.content-range',
    change: onRange(/^bytes=[1-9]\d*-[1-9]/, () => range(0, 99)),
  },
  {
    title: 'sends a byte too much',
    check: 'ranges.length',
    change: onRange(/^bytes=[1-9]\d{4}-\d{5}$/, () =>
      range(21_845, 21_944, content.subarray(21_845, 21_946)),
    ),
  },
  {
    title: 'sends other bytes in a range',
    check: 'ranges.same-bytes',
    change: onRange(/^bytes=[1-9]\d{4}-\d{5}$/, (reply) => ({
      ...reply,
      body: reply.body.map((byte) => byte ^ 1),
    })),
  },
  {
    title: 'takes a suffix for the beginning',
    check: 'ranges.suffix',
    change: onRange(/^bytes=-/, () => range(0, 100)),
  },
  {
    title: 'ends an open range early',
    check: 'ranges.open-ended',
    change: onRange(/^bytes=\d+-$/, (reply) => (reply.status === 206 ? range(149_900, 149_998) : reply)),
  },
  {
    title: 'refuses a range past the end',
    check: 'ranges.past-end',
    change: onRange(/^bytes=149999-/, () => refuse(416, { 'content-range': 'bytes */150000' })),
  },
  {
    title: 'answers a range behind the end with the whole',
    check: 'ranges.unsatisfiable',
    change: onStatus(416, () => whole),
  },
  {
    title: 'refuses a range without the size',
    check: 'ranges.unsatisfiable-size',
    change: onStatus(416, (reply) => withFields(reply, { 'content-range': undefined })),
  },
  {
    title: 'refuses an unknown unit',
    check: 'ranges.unknown-unit',
    change: onField('range', (reply, { headers }) =>
      headers.range?.startsWith('items') ? refuse(416, { 'content-range': 'bytes */150000' }) : reply,
    ),
  },
  {
    title: 'fails at a malformed range',
    check: 'ranges.malformed',
    change: onRange(/^bytes=9-0$/, () => refuse(500)),
  },
  {
    title: 'sends several ranges with a Content-Range for all',
    check: 'ranges.several',
    change: onRange(/,/, () =>
      withFields(range(0, 159), { 'content-type': 'multipart/byteranges; boundary=b' }),
    ),
  },
]

const ofConditions: readonly Fault[] = [
  { title: 'never resumes with If-Range', check: 'if-range.same', change: onField('if-range', () => whole) },
  {
    title: 'refuses If-Range, as a CDN did',
    check: 'if-range.same',
    change: onField('if-range', (reply, { headers }) =>
      headers['if-range'] === '"first"' ? refuse(403) : reply,
    ),
  },
  { title: 'ignores If-Range', check: 'if-range.other', change: onField('if-range', without('if-range')) },
  {
    title: 'compares weakly in If-Range',
    check: 'if-range.weak',
    change: onField('if-range', (reply, asked) =>
      asked.headers['if-range'] === 'W/"first"' ? range(0, 9) : reply,
    ),
  },
  {
    title: 'ignores a date in If-Range',
    check: 'if-range.date',
    change: onField('if-range', (reply, asked) =>
      asked.headers['if-range']?.includes('GMT') ? range(0, 9) : reply,
    ),
  },
  {
    title: 'ignores If-None-Match',
    check: 'conditionals.if-none-match',
    change: onField('if-none-match', without('if-none-match')),
  },
  {
    title: 'sends a 304 without ETag',
    check: 'conditionals.not-modified-fields',
    change: onStatus(304, (reply) => withFields(reply, { etag: undefined })),
  },
  {
    title: 'answers every If-None-Match with 304',
    check: 'conditionals.if-none-match-other',
    change: onField('if-none-match', () => ({
      status: 304,
      headers: { etag: '"first"' },
      body: new Uint8Array(),
    })),
  },
  {
    title: 'looks at If-Modified-Since first',
    check: 'conditionals.if-none-match-first',
    change: on(({ headers }) => headers['if-modified-since'] !== undefined, without('if-none-match')),
  },
  {
    title: 'refuses its own ETag in If-Match',
    check: 'conditionals.if-match-same',
    change: onField('if-match', () => refuse(412)),
  },
  {
    title: 'ignores If-Match',
    check: 'conditionals.if-match-other',
    change: onField('if-match', without('if-match')),
  },
  {
    title: 'ignores If-Modified-Since',
    check: 'conditionals.if-modified-since',
    verdict: 'warn',
    change: onField('if-modified-since', without('if-modified-since')),
  },
  {
    title: 'ignores If-Unmodified-Since',
    check: 'conditionals.if-unmodified-since',
    change: onField('if-unmodified-since', without('if-unmodified-since')),
  },
]

const ofBytes: readonly Fault[] = [
  {
    title: 'sends stored gzip to everybody',
    check: 'encodings.identity',
    choices: { fields: { 'content-encoding': 'gzip' } },
  },
  {
    title: 'compresses under the same ETag',
    check: 'encodings.etag',
    change: takesGzip((reply) =>
      withFields({ ...reply, body: zipped }, { 'content-encoding': 'gzip', vary: 'Accept-Encoding' }),
    ),
  },
  {
    title: 'compresses without Vary',
    check: 'encodings.vary',
    change: takesGzip((reply) =>
      withFields({ ...reply, body: zipped }, { 'content-encoding': 'gzip', etag: '"zipped"' }),
    ),
  },
  {
    title: 'compresses a range',
    check: 'encodings.ranges',
    change: on(
      ({ headers }, { status }) => status === 206 && /gzip/.test(headers['accept-encoding'] ?? ''),
      (reply) =>
        withFields({ ...reply, body: gzipSync(reply.body), isChunked: true }, { 'content-encoding': 'gzip' }),
    ),
  },
  {
    title: 'loses Content-Length by gzip, as a proxy does',
    check: 'proxies.compression',
    change: takesGzip((reply) =>
      withFields(
        { ...reply, body: zipped, isChunked: true },
        { 'content-encoding': 'gzip', etag: 'W/"first"', vary: 'Accept-Encoding' },
      ),
    ),
  },
  {
    title: 'a digest in hex',
    check: 'integrity.digest-syntax',
    choices: { fields: { 'repr-digest': 'sha-256=0a0b' } },
  },
  {
    title: 'the digest of the part',
    check: 'integrity.digest-of-whole',
    change: onStatus(206, (reply) =>
      withFields(reply, { 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` }),
    ),
  },
  {
    title: 'a wrong digest',
    check: 'integrity.content',
    choices: { fields: { 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` } },
  },
  {
    title: 'other bytes than expected',
    check: 'integrity.content',
    options: { expectSha256: '0'.repeat(64) },
  },
  {
    title: 'ends a truncated body as if it were whole',
    check: 'integrity.whole',
    change: onStatus(200, (reply, { method }) =>
      method === 'GET' ? { ...reply, isChunked: true, body: reply.body.subarray(0, 100_000) } : reply,
    ),
    options: { profile: 'generic' },
  },
]

const ofFields: readonly Fault[] = [
  {
    title: 'a path as file name',
    check: 'naming.disposition-syntax',
    choices: { fields: { 'content-disposition': 'attachment; filename="../../etc/export.csv"' } },
  },
  {
    title: 'a file name with an open quote',
    check: 'naming.disposition-syntax',
    choices: { fields: { 'content-disposition': 'attachment; filename="export.csv' } },
  },
  {
    title: 'an inline export',
    check: 'naming.attachment',
    choices: { fields: { 'content-disposition': 'inline; filename="export.csv"' } },
  },
  {
    title: 'another type for a range',
    check: 'naming.content-type',
    change: onStatus(206, (reply) => withFields(reply, { 'content-type': 'text/plain' })),
  },
  {
    title: 'open to shared caches',
    check: 'browser-safety.shared-caches',
    choices: { fields: { 'cache-control': 'public, max-age=60, no-transform' } },
  },
  {
    title: 'nothing about storing',
    check: 'browser-safety.no-store',
    choices: { fields: { 'cache-control': 'no-transform' } },
  },
  {
    title: 'may be transformed',
    check: 'proxies.no-transform',
    choices: { fields: { 'cache-control': 'private, no-store' } },
  },
  {
    title: 'may be sniffed',
    check: 'browser-safety.nosniff',
    choices: { fields: { 'x-content-type-options': undefined } },
  },
  {
    title: 'may run scripts',
    check: 'browser-safety.sandbox',
    choices: { fields: { 'content-security-policy': undefined } },
  },
  {
    title: 'tells its URL to the next site',
    check: 'browser-safety.referrer',
    choices: { fields: { 'referrer-policy': 'origin' } },
  },
  {
    title: 'old RateLimit fields',
    check: 'limits.fields',
    choices: { fields: { ratelimit: 'limit=60, remaining=59' } },
  },
  { title: 'answered by a cache', check: 'proxies.cache', choices: { fields: { age: '17' } } },
  { title: 'shows its store', check: 'refusals.inside', choices: { fields: { 'x-amz-request-id': '1' } } },
]

const ofRefusals: readonly Fault[] = [
  { title: 'open to all', check: 'authentication.required', change: authorized },
  {
    title: 'no challenge',
    check: 'authentication.challenge',
    change: on(
      ({ headers }) => headers.authorization === undefined,
      (reply) => withFields(reply, { 'www-authenticate': undefined }),
    ),
  },
  {
    title: 'a login page in place of a 401',
    check: 'authentication.for-programs',
    change: on(
      ({ headers }) => headers.authorization === undefined,
      (reply) => withFields(reply, { 'content-type': 'text/html' }),
    ),
  },
  { title: 'takes any token', check: 'authentication.wrong', change: onField('authorization', authorized) },
  {
    title: 'no invalid_token',
    check: 'authentication.invalid-token',
    change: onField('authorization', (reply) =>
      reply.status === 401 ? withFields(reply, { 'www-authenticate': 'Bearer realm="exports"' }) : reply,
    ),
  },
  {
    title: 'does not verify the signature of a JWT',
    check: 'authentication.signature',
    change: on(
      ({ headers }) => headers.authorization?.startsWith(`Bearer ${token.slice(0, 40)}`) === true,
      authorized,
    ),
  },
  {
    title: 'cannot take a long token',
    check: 'proxies.long-token',
    change: on(
      ({ headers }) => (headers.authorization?.length ?? 0) > 8_000,
      () => refuse(431),
    ),
  },
  {
    title: 'answers 200 for a missing export',
    check: 'refusals.missing',
    change: onStatus(404, (reply) => ({ ...reply, status: 200 })),
  },
  {
    title: "tells another tenant's export",
    check: 'refusals.foreign',
    change: on(
      ({ url }) => url.pathname.includes(ids.foreign),
      () => refuse(403),
    ),
  },
  {
    title: 'a 404 that caches keep',
    check: 'refusals.not-stored',
    change: onStatus(404, (reply) => withFields(reply, { 'cache-control': undefined })),
  },
  {
    title: 'a 404 as a page',
    check: 'refusals.for-programs',
    change: onStatus(404, (reply) => withFields(reply, { 'content-type': 'text/html' })),
  },
  {
    title: 'a 404 without a request id',
    check: 'refusals.request-id',
    change: onStatus(404, (reply) => withFields(reply, { 'x-request-id': undefined })),
  },
  {
    title: 'a stack trace',
    check: 'refusals.inside',
    change: onStatus(404, (reply) => ({
      ...reply,
      body: Buffer.from('{"stack":"Error\n    at find (/app/src/catalogue.js:12:3)"}'),
    })),
  },
  {
    title: 'a 429 without Retry-After',
    check: 'limits.retry-after',
    change: (reply, { nth }) => (nth === 3 ? refuse(429) : reply),
  },
]

const ofMethods: readonly Fault[] = [
  {
    title: 'no HEAD',
    check: 'methods.head',
    change: on(
      ({ method }) => method === 'HEAD',
      () => refuse(405, { allow: 'GET, OPTIONS' }),
    ),
  },
  {
    title: 'another type for HEAD',
    check: 'methods.head-fields',
    change: on(
      ({ method }, { status }) => method === 'HEAD' && status === 200,
      (reply) => withFields(reply, { 'content-type': 'text/plain' }),
    ),
  },
  {
    title: 'obeys Range for HEAD',
    check: 'methods.head-range',
    change: on(
      ({ method, headers }) => method === 'HEAD' && headers.range !== undefined,
      (reply, { headers }) => partOf(reply, headers.range),
    ),
  },
  {
    title: 'a 405 without Allow',
    check: 'methods.not-allowed',
    change: onStatus(405, (reply) => withFields(reply, { allow: undefined })),
  },
  { title: 'the export for PROPFIND', check: 'methods.not-allowed', change: onStatus(405, () => whole) },
  {
    title: 'no OPTIONS',
    check: 'methods.options',
    change: on(
      ({ method }) => method === 'OPTIONS',
      () => refuse(404),
    ),
  },
]

/** Servers with one fault each. */
export const faults: readonly Fault[] = [
  ...ofFraming,
  ...ofValidators,
  ...ofRanges,
  ...ofConditions,
  ...ofBytes,
  ...ofFields,
  ...ofRefusals,
  ...ofMethods,
]
