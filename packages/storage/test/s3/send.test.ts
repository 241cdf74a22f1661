import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import {
  type CannedAnswer,
  type CannedStore,
  object,
  s3Error,
} from '../../../../scripts/servers/canned-store.ts'
import { createS3Store } from '../../src/s3.ts'
import { openS3Store } from '../../src/s3/store.ts'
import { createUpstream, defaultRuntime } from '../../src/upstream/upstream.ts'
import { endOf, kindOf, reading } from '../reading.ts'
import { bytes, range, startAnswers } from './canned-answers.ts'
import { BUCKET, isSdk, REGION, s3Client } from './scene.ts'

const MINUTE = 60_000
const signal = new AbortController().signal
const keys = { accessKeyId: 'AKONE', secretAccessKey: 'x' }

let server: CannedStore
let refusing: 'the store' | 'the SDK' | 'nobody' = 'nobody'
let region = REGION

/** Answers by what a request says of itself. */
const judge = (decide: (headers: NodeJS.Dict<string | string[]>) => CannedAnswer): CannedAnswer => ({
  status: 200,
  write: (response) => {
    const { status, headers, body } = decide(response.req.headers)
    response.writeHead(status, headers).end(response.req.method === 'HEAD' ? undefined : body)
  },
})
const choosy = judge((headers) =>
  refusing === (isSdk({ headers }) ? 'the SDK' : 'the store') ? s3Error(403, 'AccessDenied') : object(bytes),
)
const moving = judge(({ authorization }) =>
  authorization?.includes(`/${region}/s3/`)
    ? object(bytes)
    : {
        ...s3Error(301, 'PermanentRedirect'),
        headers: { 'content-type': 'application/xml', 'x-amz-bucket-region': region },
      },
)
/** A service whose clock is 20 minutes ahead. It refuses a request whose time is more than 15 minutes wrong. */
const ahead = judge(({ 'x-amz-date': at }) => {
  const now = Date.now() + 20 * MINUTE
  const answer =
    now - timeOf(at?.toString() ?? '') > 15 * MINUTE ? s3Error(403, 'RequestTimeTooSkewed') : object(bytes)
  return { ...answer, headers: { ...answer.headers, date: new Date(now).toUTCString() } }
})
const timeOf = (text: string): number =>
  Date.parse(text.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'))
const part = judge(({ range: field }) =>
  field === undefined
    ? object(bytes)
    : {
        ...object(bytes.subarray(10, 20), { 'content-range': 'bytes 10-19/100000' }),
        status: 206,
      },
)
beforeAll(async () => {
  server = await startAnswers({ ahead, choosy, moving, part, other: object(bytes) })
})
afterAll(() => server.close())
beforeEach(() => {
  refusing = 'nobody'
  region = REGION
})

/** A store with its own clock, and its requests. */
function scene(config: S3ClientConfig = {}, options: object = {}) {
  const before = server.requests.length
  const clock = { now: Date.now() }
  const client = s3Client({ port: server.port, keys, ...config })
  const upstream = createUpstream({ ...defaultRuntime, connections: () => 50 })
  const store = openS3Store({ client, bucket: BUCKET, ...options }, upstream, () => clock.now)
  const requests = () => server.requests.slice(before)
  const field = (name: string) => requests().map(({ headers }) => headers[name]?.toString() ?? '')
  return {
    clock,
    client,
    store,
    get: async (key: string, more = {}) => endOf(await store.get(key, more, signal)),
    senders: () => requests().map((request) => (isSdk(request) ? 'sdk' : 'store')),
    field,
    signers: () => field('authorization').map((text) => /Credential=(\w+)/.exec(text)?.[1]),
  }
}

describe('the SDK sends the first request, and the store all others', () => {
  test('whole, in part, and without a body', async () => {
    const { get, store, senders } = scene()
    expect(await get('part')).toEqual(reading(bytes))
    expect(await get('other')).toEqual(reading(bytes))
    expect(await get('part', { range, ifMatch: '"canned"' })).toEqual(reading(bytes.subarray(10, 20)))
    expect((await store.head('other', signal))?.size).toBe(bytes.length)
    expect(senders()).toEqual(['sdk', 'store', 'store', 'store'])
  })

  test('also if the first is a HEAD', async () => {
    const { get, store, senders } = scene()
    await store.head('other', signal)
    await get('other')
    expect(senders()).toEqual(['sdk', 'store'])
  })

  test('once the first has succeeded', async () => {
    const { get, store, senders } = scene()
    expect(await store.get('nothing-here', {}, signal)).toBeUndefined()
    await get('other')
    await get('other')
    expect(senders()).toEqual(['sdk', 'sdk', 'store'])
  })

  test('of a hundred at a time, the SDK sends those that came before its first answer', async () => {
    const { get, senders } = scene()
    await Promise.all(Array.from({ length: 100 }, () => get('other')))
    await Promise.all(Array.from({ length: 100 }, () => get('other')))
    expect(senders().slice(100)).toEqual(Array.from({ length: 100 }, () => 'store'))
  })

  test('with the owner of the bucket, which is signed', async () => {
    const { get, field } = scene({}, { bucketOwner: '123456789012' })
    await get('other')
    await get('other')
    expect(field('x-amz-expected-bucket-owner')).toEqual(['123456789012', '123456789012'])
    expect(field('authorization')[1]).toMatch(/SignedHeaders=[^,]*x-amz-expected-bucket-owner/)
  })

  test('with the user agent of the client', async () => {
    const { get, field } = scene({ customUserAgent: 'exports/7' })
    await get('other')
    await get('other')
    expect(new Set(field('user-agent')).size).toBe(1)
    expect(field('user-agent')[1]).toContain('exports/7')
  })
})

test.each([0, 20])('bytes behind a response to a HEAD are no response: %d ms later', async (ms) => {
  const head = (etag: string, length: number) =>
    `HTTP/1.1 200 OK\r\netag: "${etag}"\r\ncontent-length: ${length}\r\n\r\n`
  const faulty: CannedAnswer = {
    status: 200,
    write: ({ socket }) => {
      socket?.write(head('canned', 6))
      setTimeout(() => socket?.write(`${head('forged', 6)}forged`), ms)
    },
  }
  const own = await startAnswers({ faulty, other: object(bytes) })
  const requestHandler = { httpAgent: { maxSockets: 1 } }
  const store = createS3Store({ client: s3Client({ port: own.port, keys, requestHandler }), bucket: BUCKET })
  await store.head('other', signal)
  expect(await store.head('faulty', signal)).toMatchObject({ size: 6, validator: '"canned"' })
  await new Promise((resolve) => setTimeout(resolve, 2 * ms))
  expect(await endOf(await store.get('other', {}, signal))).toEqual(reading(bytes))
  await own.close()
})

describe('a request is signed', () => {
  test('anew each time, by the corrected clock', async () => {
    const { get, clock, client, field } = scene()
    await get('other')
    clock.now = Date.UTC(2026, 1, 3, 4, 5, 6)
    client.config.systemClockOffset = 0
    await get('other')
    expect(field('x-amz-date').at(-1)).toBe('20260203T040506Z')
    client.config.systemClockOffset = 3_600_000
    await get('other')
    expect(field('x-amz-date').at(-1)).toBe('20260203T050506Z')
  })

  test.each([
    ['first', 0, ['sdk', 'sdk']],
    ['second', 1, ['store', 'sdk', 'store']],
  ])('again if the clock is 20 minutes wrong, also a HEAD: the %s', async (_, earlier, expected) => {
    const { store, senders } = scene({}, { forbiddenIsMissing: true })
    for (let nth = 0; nth < earlier; nth++) await store.head('other', signal)
    expect((await store.head('ahead', signal))?.size).toBe(bytes.length)
    expect(senders().slice(earlier)).toEqual(expected)
  })

  test('by the credentials that the client has now', async () => {
    const expiration = new Date(Date.now() + 4 * MINUTE) // the client asks for such again each time
    let current = { ...keys, sessionToken: 'one', expiration }
    const { get, signers, senders, field } = scene({ credentials: async () => current })
    await get('other')
    await get('other')
    current = { accessKeyId: 'AKTWO', secretAccessKey: 'y', sessionToken: 'two', expiration }
    await get('other')
    expect(signers()).toEqual(['AKONE', 'AKONE', 'AKTWO'])
    expect(field('x-amz-security-token')).toEqual(['one', 'one', 'two'])
    expect(senders()).toEqual(['sdk', 'store', 'store'])
  })

  test('by the SDK if there are no credentials, which then says so', async () => {
    const expiration = new Date(Date.now() + 4 * MINUTE)
    let gone = false
    const credentials = async () => {
      if (gone) throw new Error('no credentials')
      return { ...keys, expiration }
    }
    const { get, store, senders } = scene({ credentials })
    await get('other')
    await get('other')
    gone = true
    expect(await store.get('other', {}, signal).catch(kindOf)).toBe('unavailable')
    expect(senders()).toEqual(['sdk', 'store'])
  })
})

describe('the way to the bucket', () => {
  test('is learned again after 15 minutes, from one request', async () => {
    const { clock, get, senders } = scene()
    await get('other')
    clock.now += 15 * MINUTE - 1
    await get('other')
    clock.now += 1
    await Promise.all([get('other'), get('other')])
    await get('other')
    expect(senders().toSorted()).toEqual(['sdk', 'sdk', 'store', 'store', 'store'])
  })

  test('is kept if a lesson fails', async () => {
    const { clock, get, store, senders } = scene()
    await get('other')
    clock.now += 15 * MINUTE
    expect(await store.get('nothing-here', {}, signal)).toBeUndefined()
    await get('other')
    expect(senders()).toEqual(['sdk', 'sdk', 'store'])
  })

  test('leads to another region if the client follows redirects', async () => {
    const { clock, get, senders } = scene({ followRegionRedirects: true })
    region = 'elsewhere-2'
    expect(await get('moving')).toEqual(reading(bytes))
    expect(await get('moving')).toEqual(reading(bytes))
    expect(senders()).toEqual(['sdk', 'sdk', 'store']) // the second is the redirected one
    region = 'elsewhere-3'
    expect(await get('moving')).toEqual(reading(bytes))
    clock.now += 10_000
    await get('moving')
    await get('moving')
    expect(senders().slice(3)).toEqual(['store', 'sdk', 'sdk', 'sdk', 'sdk', 'store'])
  })

  test('is refused if the client does not', async () => {
    const { get, store } = scene()
    await get('other')
    region = 'elsewhere-2'
    expect(await store.get('moving', {}, signal).catch(kindOf)).toBe('upstream_error')
  })
})

describe('what the service refuses to the store', () => {
  test('is asked for by the SDK, which then sends all requests of the next 10 s', async () => {
    const { clock, get, senders } = scene()
    await get('other')
    refusing = 'the store'
    expect(await get('choosy')).toEqual(reading(bytes))
    refusing = 'nobody'
    await get('other')
    clock.now += 10_000
    await get('other')
    expect(senders()).toEqual(['sdk', 'store', 'sdk', 'sdk', 'store'])
  })

  test('and to the SDK, is refused, and changes nothing for other objects', async () => {
    const { get, store, senders } = scene()
    await get('other')
    expect(await store.get('archived', {}, signal).catch(kindOf)).toBe('upstream_error')
    await get('other')
    expect(senders()).toEqual(['sdk', 'store', 'sdk', 'store'])
  })

  test.each([
    ['slow-down', {}, ['store', 'store']],
    ['page-502', {}, ['store', 'store']],
    ['slow-down', { range, ifMatch: '"canned"' }, ['store']],
    ['unasked-412', { range, ifMatch: '"canned"' }, ['store']],
    ['nothing-here', {}, ['store']],
    ['no-bucket', {}, ['store']],
    ['skewed', {}, ['store', 'sdk', 'store', 'sdk']],
    ['expired-token', {}, ['store', 'sdk']],
    ['other-region', {}, ['store', 'sdk']],
    ['page-403', {}, ['store', 'sdk']],
  ])('%s, requested with %o, is asked for by %j', async (key, more, expected) => {
    const { get, store, senders } = scene({ maxAttempts: 5 })
    await get('other')
    await store.get(key, more, signal).then((opened) => opened?.close(), kindOf)
    expect(senders().slice(1)).toEqual(expected)
  })
})
