import type { ServerResponse } from 'node:http'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { CANARY, type CannedStore, object } from '../../../../scripts/servers/canned-store.ts'
import { createSignedS3Store } from '../../src/s3-signed.ts'
import { leaksIn } from '../leaks.ts'
import { endOf, kindOf, reading } from '../reading.ts'
import { bytes, hex, range, refusedAnswers, startAnswers, wrongParts } from '../s3/canned-answers.ts'
import { BUCKET, REGION, s3Client } from '../s3/scene.ts'

// The same answers as the client's own way gets: each is to be judged alike.
const signal = new AbortController().signal
const words = [CANARY, 'eu-north-7', 'arn:aws', BUCKET, REGION, '127.0.0.1', 'x-amz-', 'signature=']
const keys = { accessKeyId: `AK${CANARY}`, secretAccessKey: CANARY, sessionToken: `TOKEN${CANARY}` }

let server: CannedStore
beforeAll(async () => {
  const twice = object(bytes, { 'x-amz-version-id': ['v1', 'v2'] })
  const lines = (...more: string[]) => ['HTTP/1.1 200 OK', 'etag: "canned"', ...more].join('\r\n')
  const raw = (text: string) => ({
    status: 200,
    write: ({ socket }: ServerResponse) => void socket?.end(text),
  })
  const broken = {
    short: raw(lines('content-length: 9', '', 'half')),
    'no-head': raw(lines('content-length: 9')),
    'no-http': raw('SSH-2.0-canary\r\n'),
  }
  server = await startAnswers({ ...broken, twice, undated: object(bytes, { 'last-modified': 'some day' }) })
})
afterAll(() => server.close())

const storeWith = (more: object = {}, options: object = {}) =>
  createSignedS3Store({ client: s3Client({ port: server.port, keys, ...more }), bucket: BUCKET, ...options })
/** How each request since was signed. */
const waysSince = (before: number): readonly string[] =>
  server.requests.slice(before).map(({ query }) => (query.has('X-Amz-Signature') ? 'url' : 'client'))

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

  test.each(['expired-token', 'archived', 'skewed'] as const)(
    '%s is no absence, forbiddenIsMissing or not',
    async (name) => {
      const store = storeWith({}, { forbiddenIsMissing: true })
      expect(await store.get(name, {}, signal).catch(kindOf)).toBe('upstream_error')
    },
  )

  test.each(['short', 'no-head', 'no-http'])('%s is an answer that breaks off', async (name) => {
    const read = async () => (await endOf(await storeWith().get(name, {}, signal))).end
    expect(await read().catch(kindOf)).toBe('unavailable')
  })

  test('what is said twice is not said', async () => {
    const object = await storeWith().get('twice', {}, signal)
    object?.close()
    expect(object?.info.validator).toBe('"canned"')
  })

  test('a date that is none is left out', async () => {
    const object = await storeWith().get('undated', {}, signal)
    object?.close()
    expect(object?.info).toEqual({ size: bytes.length, validator: '"canned"' })
  })
})

describe('an answer to a pinned range', () => {
  test.each(Object.keys(wrongParts))('%s is refused', async (name) => {
    expect(await storeWith().get(name, { range, ifMatch: '"canned"' }, signal).catch(kindOf)).toBe(
      'upstream_error',
    )
  })

  test.each(['unasked-412', 'unasked-416'])('%s tells of another object', async (name) => {
    const before = server.requests.length
    expect(await storeWith().get(name, { range, ifMatch: '"canned"' }, signal).catch(kindOf)).toBe(
      'object_changed',
    )
    expect(waysSince(before)).toEqual(['url'])
  })

  test('with the sum of the whole beside it is right', async () => {
    const object = await storeWith().get('part-with-whole-sum', { range, ifMatch: '"canned"' }, signal)
    expect(await endOf(object)).toEqual(reading(bytes.subarray(10, 20)))
  })

  test('of another version means another object, and the version was asked for', async () => {
    const pin = { ifMatch: '"canned"@v2.other' }
    expect(await storeWith().get('version', pin, signal).catch(kindOf)).toBe('object_changed')
    expect(server.requests.at(-1)?.query.get('versionId')).toBe('v2.other')
  })
})

test.each([
  ['digest', { sha256: hex, validator: '"canned"' }],
  ['digest-of-digests', { sha256: undefined }],
  ['digest-untyped', { sha256: undefined }],
  ['digest-marked', { sha256: undefined }],
  ['summed', { sha256: undefined }],
  ['version', { validator: '"canned"@v1.canned' }],
  ['null-version', { validator: '"canned"' }],
])('%s is described', async (name, info) => {
  const object = await storeWith().get(name, {}, signal)
  expect({ sha256: undefined, ...object?.info }).toMatchObject(info)
  expect(await endOf(object)).toEqual(reading(bytes))
})

test('the owner of the bucket is named in a header that is signed', async () => {
  const object = await storeWith({}, { bucketOwner: '123456789012' }).get('digest', {}, signal)
  object?.close()
  const { headers, query } = server.requests.at(-1) ?? {}
  expect(headers?.['x-amz-expected-bucket-owner']).toBe('123456789012')
  expect(query?.get('X-Amz-SignedHeaders')).toBe('host;x-amz-expected-bucket-owner')
})

describe('who is asked', () => {
  test.each([
    ['digest', {}, ['url']],
    ['digest', { range, ifMatch: '"canned"' }, ['url']],
    ['slow-down', {}, ['url', 'url']],
    ['page-502', {}, ['url', 'url']],
    ['slow-down', { range, ifMatch: '"canned"' }, ['url']],
    // What the status alone does not say, the client is asked.
    ['missing', {}, ['url', 'client']],
    ['archived', {}, ['url', 'client']],
    ['no-bucket', {}, ['url', 'client']],
  ])('for %s, asked with %o: %j', async (name, more, ways) => {
    const before = server.requests.length
    await storeWith({ maxAttempts: 5 })
      .get(name, more, signal)
      .then((object) => object?.close(), kindOf)
    expect(waysSince(before)).toEqual(ways)
  })

  test('for what a middleware has a header for: the client, who sends it', async () => {
    const client = s3Client({ port: server.port, keys })
    client.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { headers: Record<string, string> }
        headers['x-amz-server-side-encryption-customer-algorithm'] = 'AES256'
        return next(args)
      },
      { step: 'build', name: 'customerKeys' },
    )
    const before = server.requests.length
    const store = createSignedS3Store({ client, bucket: BUCKET })
    expect(await endOf(await store.get('digest', {}, signal))).toEqual(reading(bytes))
    expect(waysSince(before)).toEqual(['client'])
    expect(server.requests.at(-1)?.headers).toHaveProperty('x-amz-server-side-encryption-customer-algorithm')
  })
})

describe('a service that decompresses gzip objects on the way', () => {
  test('is asked again for the object as it is stored', async () => {
    const info = await storeWith().head('transcoding', signal)
    expect(info).toEqual({ size: bytes.length, validator: '"canned"', encoding: 'gzip' })
    const object = await storeWith().get('transcoding', {}, signal)
    expect(object?.info).toEqual(info)
    expect(await endOf(object)).toEqual(reading(bytes))
  })

  test('is asked again for a part, too', async () => {
    const part = await storeWith().get('transcoding', { range, ifMatch: '"canned"' }, signal)
    expect(await endOf(part)).toEqual(reading(bytes.subarray(10, 20)))
  })

  test('gets a field that is not signed, and no other store gets it', async () => {
    ;(await storeWith().get('digest', {}, signal))?.close()
    expect(server.requests.at(-1)?.headers).not.toHaveProperty('accept-encoding')
    ;(await storeWith().get('transcoding', {}, signal))?.close()
    const { headers, query } = server.requests.at(-1) ?? {}
    expect(headers?.['accept-encoding']).toBe('gzip')
    const signed = `${headers?.['authorization']?.toString()}${query?.get('X-Amz-SignedHeaders')}`
    expect(signed).toMatch(/host/)
    expect(signed).not.toMatch(/accept-encoding/)
  })
})
