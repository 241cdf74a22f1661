import { positionCoded } from '@sallyport/core/testing'

import {
  CANARY,
  type CannedAnswer,
  type CannedStore,
  object,
  s3Error,
  startCannedStore,
  sums,
} from '../../../../scripts/servers/canned-store.ts'

// What no server here can be brought to say: gateways' pages, lies, newer sums, states of AWS's own.
/** The object that is meant. */
export const bytes = positionCoded(100_000)
const { crc32, sha256 } = sums(bytes)
/** Its SHA-256. */
export const hex = Buffer.from(sha256, 'base64').toString('hex')
/** The part of it that is asked for. */
export const range = { first: 10, last: 19 }
const part = (headers: CannedAnswer['headers'], status = 206): CannedAnswer => ({
  status,
  headers: { etag: '"canned"', 'content-length': 10, 'content-range': 'bytes 10-19/100000', ...headers },
  body: bytes.subarray(10, 20),
})
const page = (status: number, type: string): CannedAnswer => ({
  status,
  headers: { 'content-type': type },
  body: `<html><body><h1>${status} ${CANARY}</h1></body></html>`,
})

/** Answers that are no object, and what each is refused as. */
export const refusedAnswers = {
  'slow-down': [s3Error(503, 'SlowDown'), 'unavailable'],
  'internal-error': [s3Error(500, 'InternalError'), 'unavailable'],
  'too-many': [s3Error(429, 'TooManyRequests'), 'unavailable'],
  'request-timeout': [s3Error(400, 'RequestTimeout'), 'unavailable'],
  'page-503': [page(503, 'text/html'), 'unavailable'],
  'page-502': [page(502, 'text/plain'), 'unavailable'],
  'page-403': [page(403, 'text/html'), 'upstream_error'],
  'page-200': [page(200, 'text/html'), 'upstream_error'],
  'other-region': [s3Error(301, 'PermanentRedirect'), 'upstream_error'],
  'expired-token': [s3Error(400, 'ExpiredToken'), 'upstream_error'],
  skewed: [s3Error(403, 'RequestTimeTooSkewed'), 'upstream_error'],
  archived: [s3Error(403, 'InvalidObjectState'), 'upstream_error'],
  'no-bucket': [s3Error(404, 'NoSuchBucket'), 'upstream_error'],
  'error-in-200': [{ ...s3Error(200, 'InternalError') }, 'upstream_error'],
  'unasked-412': [s3Error(412, 'PreconditionFailed'), 'upstream_error'],
  'unasked-416': [s3Error(416, 'InvalidRange'), 'upstream_error'],
  'unasked-304': [{ status: 304 }, 'upstream_error'],
  'no-etag': [object(bytes, { etag: undefined }), 'upstream_error'],
  'weak-etag': [object(bytes, { etag: 'W/"canned"' }), 'upstream_error'],
  'bare-etag': [object(bytes, { etag: 'canned' }), 'upstream_error'],
  'no-length': [object(bytes, { 'content-length': undefined }), 'upstream_error'],
  'unasked-part': [part({}), 'upstream_error'],
  deflate: [object(bytes, { 'content-encoding': 'deflate' }), 'upstream_error'],
  'gzip-twice': [object(bytes, { 'content-encoding': 'gzip, gzip' }), 'upstream_error'],
} as const satisfies Record<string, readonly [CannedAnswer, string]>

/** Answers to the range that are not the part. */
export const wrongParts = {
  'whole-for-a-part': object(bytes),
  'part-of-200': part({}, 200),
  'another-range': part({ 'content-range': 'bytes 11-20/100000' }),
  'longer-range': part({ 'content-range': 'bytes 10-20/100000' }),
  'beyond-the-size': part({ 'content-range': 'bytes 10-19/19' }),
  'unknown-size': part({ 'content-range': 'bytes 10-19/*' }),
  'no-range': part({ 'content-range': undefined }),
  'shorter-length': { ...part({ 'content-length': 9 }), body: bytes.subarray(10, 19) },
} as const satisfies Record<string, CannedAnswer>

// Those that are.
const goodAnswers = {
  summed: object(bytes, { 'x-amz-checksum-crc32': crc32 }),
  'wrongly-summed': object(bytes, { 'x-amz-checksum-crc32': 'AAAAAA==' }),
  'summed-crc64': object(bytes, {
    'x-amz-checksum-crc64nvme': 'J9xlmKUOUT0=',
    'x-amz-checksum-type': 'FULL_OBJECT',
  }),
  'wrongly-summed-crc64': object(bytes, { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }),
  'wrong-digest': object(bytes, { 'x-amz-checksum-sha256': Buffer.alloc(32).toString('base64') }),
  'empty-summed': object(Buffer.alloc(0), { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }),
  'empty-wrongly-summed': object(Buffer.alloc(0), { 'x-amz-checksum-crc32': 'AAAAAQ==' }),
  digest: object(bytes, { 'x-amz-checksum-sha256': sha256, 'x-amz-checksum-type': 'FULL_OBJECT' }),
  'digest-of-digests': object(bytes, {
    'x-amz-checksum-sha256': `${sha256}-2`,
    'x-amz-checksum-type': 'COMPOSITE',
  }),
  'digest-untyped': object(bytes, { 'x-amz-checksum-sha256': sha256 }),
  'digest-marked': object(bytes, {
    'x-amz-checksum-sha256': `${sha256}-2`,
    'x-amz-checksum-type': 'FULL_OBJECT',
  }),
  'part-with-whole-sum': part({ 'x-amz-checksum-crc32': crc32 }),
  'another-etag': part({ etag: '"other"' }),
  'null-version': object(bytes, { 'x-amz-version-id': 'null' }),
  version: object(bytes, { 'x-amz-version-id': 'v1.canned' }),
} as const satisfies Record<string, CannedAnswer>

/** Objects of stores without strong entity-tags. */
export const looseAnswers = {
  'loose-weak': object(bytes, { etag: 'W/"canned"', 'x-amz-version-id': 'v1' }),
  'loose-bare': object(bytes, { etag: 'canned', 'x-amz-version-id': 'v1' }),
  'loose-none': object(bytes, { etag: undefined, 'x-amz-version-id': 'v1' }),
  'loose-null': object(bytes, { etag: undefined, 'x-amz-version-id': 'null' }),
  'loose-undated': object(bytes, { etag: undefined, 'last-modified': undefined }),
  'loose-misdated': object(bytes, { etag: undefined, 'last-modified': 'yesterday' }),
  'loose-part': part({
    etag: undefined,
    'last-modified': 'Sun, 01 Feb 2026 10:00:00 GMT',
    'x-amz-version-id': 'v1',
  }),
  // As Google's service answers where it decompresses an object on the way.
  transcoded: object(bytes, {
    etag: 'W/"canned"',
    'content-length': undefined,
    'x-goog-stored-content-encoding': 'gzip',
    warning: '214 UploadServer gunzipped',
  }),
} as const satisfies Record<string, CannedAnswer>

/** A gzip object of a service that decompresses it on the way, unless the request accepts gzip: as Google's does. */
const transcoding: CannedAnswer = {
  status: 200,
  write: (response) => {
    const { headers, method } = response.req
    const isPart = headers.range === 'bytes=10-19'
    const content = isPart ? bytes.subarray(10, 20) : bytes
    response.setHeader('x-goog-stored-content-encoding', 'gzip')
    if (headers['accept-encoding'] !== 'gzip') {
      response.writeHead(200, { etag: 'W/"canned"', warning: '214 UploadServer gunzipped' })
      response.end(method === 'HEAD' ? undefined : 'decompressed')
      return
    }
    response.writeHead(isPart ? 206 : 200, {
      etag: '"canned"',
      'content-encoding': 'gzip',
      'content-length': content.length,
      ...(isPart && { 'content-range': 'bytes 10-19/100000' }),
    })
    response.end(method === 'HEAD' ? undefined : content)
  },
}

/** A server that gives them, each by its name. */
export function startAnswers(more: Readonly<Record<string, CannedAnswer>> = {}): Promise<CannedStore> {
  const refused = Object.entries(refusedAnswers).map(([name, [answer]]) => [name, answer] as const)
  return startCannedStore({
    ...Object.fromEntries(refused),
    ...wrongParts,
    ...goodAnswers,
    ...looseAnswers,
    transcoding,
    learning: object(bytes),
    ...more,
  })
}
