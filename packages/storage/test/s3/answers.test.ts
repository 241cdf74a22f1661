import { positionCoded } from '@sallyport/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import {
  CANARY,
  type CannedAnswer,
  type CannedStore,
  object,
  s3Error,
  startCannedStore,
  sums,
} from '../../../../scripts/servers/canned-store.ts'
import { createS3Store } from '../../src/s3.ts'
import { leaksIn } from '../leaks.ts'
import { endOf, kindOf, reading } from '../reading.ts'
import { BUCKET, REGION, s3Client } from './scene.ts'

// What no server here can be brought to say: gateways' pages, lies, newer sums, states of AWS's own.
const signal = new AbortController().signal
const bytes = positionCoded(100_000)
const { crc32, sha256 } = sums(bytes)
const hex = Buffer.from(sha256, 'base64').toString('hex')
const range = { first: 10, last: 19 }
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

const refusedAnswers = {
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
  brotli: [object(bytes, { 'content-encoding': 'br' }), 'upstream_error'],
} as const satisfies Record<string, readonly [CannedAnswer, string]>

const wrongParts = {
  'whole-for-a-part': object(bytes),
  'part-of-200': part({}, 200),
  'another-range': part({ 'content-range': 'bytes 11-20/100000' }),
  'longer-range': part({ 'content-range': 'bytes 10-20/100000' }),
  'beyond-the-size': part({ 'content-range': 'bytes 10-19/19' }),
  'unknown-size': part({ 'content-range': 'bytes 10-19/*' }),
  'no-range': part({ 'content-range': undefined }),
  'shorter-length': { ...part({ 'content-length': 9 }), body: bytes.subarray(10, 19) },
  'another-etag': part({ etag: '"other"' }),
} as const satisfies Record<string, CannedAnswer>

const goodAnswers = {
  summed: object(bytes, { 'x-amz-checksum-crc32': crc32 }),
  'wrongly-summed': object(bytes, { 'x-amz-checksum-crc32': 'AAAAAA==' }),
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
  'null-version': object(bytes, { 'x-amz-version-id': 'null' }),
  version: object(bytes, { 'x-amz-version-id': 'v1.canned' }),
} as const satisfies Record<string, CannedAnswer>

let server: CannedStore
beforeAll(async () => {
  const refused = Object.entries(refusedAnswers).map(([name, [answer]]) => [name, answer] as const)
  server = await startCannedStore({ ...Object.fromEntries(refused), ...wrongParts, ...goodAnswers })
})
afterAll(() => server.close())

const keys = { accessKeyId: `AK${CANARY}`, secretAccessKey: CANARY }
const storeWith = (more: object = {}, options: object = {}) =>
  createS3Store({ client: s3Client({ port: server.port, keys, ...more }), bucket: BUCKET, ...options })
const words = [CANARY, 'eu-north-7', 'arn:aws', BUCKET, REGION, '127.0.0.1']

describe('an answer that is no object', () => {
  test.each(Object.keys(refusedAnswers) as (keyof typeof refusedAnswers)[])(
    '%s is refused, and told nothing',
    async (name) => {
      const thrown: unknown = await storeWith()
        .get(name, {}, signal)
        .catch((error: unknown) => error)
      expect(kindOf(thrown)).toBe(refusedAnswers[name][1])
      expect(leaksIn(thrown, words)).toEqual([])
    },
  )

  test.each(['slow-down', 'page-503', 'archived', 'no-etag'] as const)(
    '%s to a HEAD likewise',
    async (name) => {
      const thrown: unknown = await storeWith()
        .head(name, signal)
        .catch((error: unknown) => error)
      expect(kindOf(thrown)).toBe(refusedAnswers[name][1])
      expect(leaksIn(thrown, words)).toEqual([])
    },
  )

  test.each(['expired-token', 'archived', 'skewed'] as const)(
    '%s is no absence, forbiddenIsMissing or not',
    async (name) => {
      const store = storeWith({}, { forbiddenIsMissing: true })
      expect(await store.get(name, {}, signal).catch(kindOf)).toBe('upstream_error')
    },
  )
})

describe('an answer to a pinned range', () => {
  test.each(Object.keys(wrongParts))('%s is refused', async (name) => {
    expect(await storeWith().get(name, { range, ifMatch: '"canned"' }, signal).catch(kindOf)).toBe(
      'upstream_error',
    )
  })

  test.each(['unasked-412', 'unasked-416'])('%s tells of another object', async (name) => {
    expect(await storeWith().get(name, { range, ifMatch: '"canned"' }, signal).catch(kindOf)).toBe(
      'object_changed',
    )
  })

  test('with the sum of the whole beside it is right, and no sum was asked for', async () => {
    const object = await storeWith().get('part-with-whole-sum', { range, ifMatch: '"canned"' }, signal)
    expect(await endOf(object)).toEqual(reading(bytes.subarray(10, 20)))
    expect(server.requests.at(-1)?.headers).not.toHaveProperty('x-amz-checksum-mode')
  })

  test('of another version is refused', async () => {
    const pin = { ifMatch: '"canned"@v2.other' }
    expect(await storeWith().get('version', pin, signal).catch(kindOf)).toBe('upstream_error')
  })
})

describe('sums', () => {
  test('are checked by the client, on a whole object', async () => {
    expect(await endOf(await storeWith().get('summed', {}, signal))).toEqual(reading(bytes))
    expect(await endOf(await storeWith().get('wrongly-summed', {}, signal))).toEqual(
      reading(bytes, 'upstream_error'),
    )
  })

  test('are not, where the host turned that off', async () => {
    const store = storeWith({ responseChecksumValidation: 'WHEN_REQUIRED' })
    expect(await endOf(await store.get('wrongly-summed', {}, signal))).toEqual(reading(bytes))
  })

  test.each([
    ['digest', hex],
    ['digest-of-digests', undefined],
    ['digest-untyped', undefined],
    ['digest-marked', undefined],
    ['summed', undefined],
  ])('%s gives the digest %s', async (name, expected) => {
    const object = await storeWith().get(name, {}, signal)
    object?.close()
    expect([object?.info.sha256, (await storeWith().head(name, signal))?.sha256]).toEqual([
      expected,
      expected,
    ])
  })
})

test.each([
  ['version', '"canned"@v1.canned'],
  ['null-version', '"canned"'],
])('the validator of %s is %s', async (name, validator) => {
  expect((await storeWith().head(name, signal))?.validator).toBe(validator)
})

test('the owner of the bucket is named in every request', async () => {
  const store = storeWith({}, { bucketOwner: '123456789012' })
  await store.head('digest', signal)
  ;(await store.get('digest', {}, signal))?.close()
  const owners = server.requests.slice(-2).map(({ headers }) => headers['x-amz-expected-bucket-owner'])
  expect(owners).toEqual(['123456789012', '123456789012'])
})

describe('how often it asks', () => {
  const asked = async (name: string, more: object = {}): Promise<number> => {
    const before = server.requests.length
    await storeWith({ maxAttempts: 5 }).get(name, more, signal).catch(kindOf)
    return server.requests.length - before
  }
  test.each([
    ['slow-down', {}, 2],
    ['page-502', {}, 2],
    ['skewed', {}, 2],
    ['archived', {}, 1],
    ['missing', {}, 1],
    ['slow-down', { range, ifMatch: '"canned"' }, 1],
  ])('%s, asked with %o: %d', async (name, more, times) => {
    expect(await asked(name, more)).toBe(times)
  })
})
