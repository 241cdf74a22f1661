import { gzipSync } from 'node:zlib'

import { content, refuse } from '../export-server.ts'
import {
  type Fault,
  withFields,
  onStatus,
  onField,
  on,
  without,
  whole,
  range,
  zipped,
  takesGzip,
} from './fault.ts'

const ofConditions: readonly Fault[] = [
  {
    title: 'sends other bytes of the export with If-Range',
    check: 'if-range.same',
    change: onField('if-range', (reply) =>
      reply.status === 206 ? range(0, 9, content.subarray(3, 13)) : reply,
    ),
  },
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

/** Conditions, encodings and digests. */
export const conditionFaults: readonly Fault[] = [...ofConditions, ...ofBytes]
