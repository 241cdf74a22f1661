import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { CANARY, type CannedStore } from '../../../../scripts/servers/canned-store.ts'
import { createS3Store } from '../../src/s3.ts'
import { leaksIn } from '../leaks.ts'
import { endOf, kindOf, reading } from '../reading.ts'
import { bytes, hex, range, refusedAnswers, startAnswers, wrongParts } from './canned-answers.ts'
import { BUCKET, REGION, s3Client } from './scene.ts'

const signal = new AbortController().signal

let server: CannedStore
beforeAll(async () => {
  server = await startAnswers()
})
afterAll(() => server.close())

const keys = { accessKeyId: `AK${CANARY}`, secretAccessKey: CANARY }
const storeWith = (more: object = {}, options: object = {}) =>
  createS3Store({ client: s3Client({ port: server.port, keys, ...more }), bucket: BUCKET, ...options })
const words = [CANARY, 'eu-north-7', 'arn:aws', BUCKET, REGION, '127.0.0.1']

describe('an error response of S3', () => {
  test.each(Object.keys(refusedAnswers) as (keyof typeof refusedAnswers)[])(
    '%s is refused, and the refusal reveals nothing',
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

  test.each(['unasked-412', 'unasked-416'])('%s means another object', async (name) => {
    expect(await storeWith().get(name, { range, ifMatch: '"canned"' }, signal).catch(kindOf)).toBe(
      'object_changed',
    )
  })

  test('with the checksum of the whole object is accepted, and no checksum was requested', async () => {
    const object = await storeWith().get('part-with-whole-sum', { range, ifMatch: '"canned"' }, signal)
    expect(await endOf(object)).toEqual(reading(bytes.subarray(10, 20)))
    expect(server.requests.at(-1)?.headers).not.toHaveProperty('x-amz-checksum-mode')
  })

  test('of another version is refused', async () => {
    const pin = { ifMatch: '"canned"@v2.other' }
    expect(await storeWith().get('version', pin, signal).catch(kindOf)).toBe('upstream_error')
  })
})

describe('checksums', () => {
  test('are checked by the client, on a whole object', async () => {
    expect(await endOf(await storeWith().get('summed', {}, signal))).toEqual(reading(bytes))
    expect(await endOf(await storeWith().get('wrongly-summed', {}, signal))).toEqual(
      reading(bytes, 'upstream_error'),
    )
  })

  test('are not checked if the host turned that off', async () => {
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

describe('the number of requests', () => {
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
  ])('%s, requested with %o: %d', async (name, more, times) => {
    expect(await asked(name, more)).toBe(times)
  })
})
