import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import {
  type CannedAnswer,
  type CannedStore,
  object,
  s3Error,
} from '../../../../scripts/servers/canned-store.ts'
import { createSignedUrls } from '../../src/s3-signed/signed-urls.ts'
import { openSignedS3Store } from '../../src/s3-signed/store.ts'
import { createUpstream, defaultRuntime } from '../../src/upstream/upstream.ts'
import { endOf, kindOf, reading } from '../reading.ts'
import { bytes, range, startAnswers } from '../s3/canned-answers.ts'
import { BUCKET, s3Client } from '../s3/scene.ts'

const MINUTE = 60_000
const signal = new AbortController().signal
const keys = { accessKeyId: 'AKONE', secretAccessKey: 'x' }

let server: CannedStore
let refusing: 'urls' | 'clients' | 'nobody' = 'nobody'
/** Answers a range with that part. */
const both: CannedAnswer = {
  status: 200,
  write: (response) => {
    const { status, headers, body } =
      response.req.headers.range === undefined
        ? object(bytes)
        : { ...object(bytes, PART), status: 206, body: part }
    response.writeHead(status, headers).end(body)
  },
}
const part = bytes.subarray(range.first, range.last + 1)
const PART = {
  'content-length': part.length,
  'content-range': `bytes ${range.first}-${range.last}/${bytes.length}`,
}
const choosy: CannedAnswer = {
  status: 200,
  write: (response) => {
    const byUrl = response.req.url?.includes('X-Amz-Signature') === true
    const refused = refusing === (byUrl ? 'urls' : 'clients')
    const { status, headers, body } = refused ? s3Error(403, 'AccessDenied') : object(bytes)
    response.writeHead(status, headers).end(body)
  },
}
beforeAll(async () => {
  server = await startAnswers({ both, choosy, other: object(bytes) })
})
afterAll(() => server.close())
beforeEach(() => {
  refusing = 'nobody'
})

/** A store by a clock of its own, and what it signed: once each, in their order. */
function scene(credentials: S3ClientConfig['credentials'] = keys) {
  const before = server.requests.length
  const clock = { now: Date.now() }
  const { port } = server
  const client = s3Client({ port, keys, ...(credentials && { credentials }) })
  const upstream = createUpstream({ ...defaultRuntime, connections: () => 50 })
  const store = openSignedS3Store({ client, bucket: BUCKET }, upstream, () => clock.now)
  const queries = () => server.requests.slice(before).map(({ query }) => query)
  return {
    clock,
    get: async (key: string, more = {}) => endOf(await store.get(key, more, signal)),
    store,
    signatures: () => [...new Set(queries().map((query) => query.get('X-Amz-Signature') ?? 'by the client'))],
    requests: () => queries().length,
    lifetimes: () => queries().map((query) => query.get('X-Amz-Expires')),
    signers: () => queries().map((query) => query.get('X-Amz-Credential')?.split('/')[0] ?? 'client'),
  }
}

/** Credentials that the client asks for anew each time, for they end within its own five minutes. */
const lasting = (minutes: number, accessKeyId = 'AKONE') => ({
  accessKeyId,
  secretAccessKey: 'x',
  sessionToken: 'token',
  expiration: new Date(Date.now() + minutes * MINUTE),
})

describe('one object is signed for once', () => {
  test('however often it is opened, whole or in part', async () => {
    const { get, signatures, requests } = scene()
    expect(await get('both')).toEqual(reading(bytes))
    expect(await get('both')).toEqual(reading(bytes))
    expect(await get('both', { range, ifMatch: '"canned"' })).toEqual(reading(part))
    expect([requests(), signatures().length]).toEqual([3, 1])
  })

  test('when a hundred ask at a time', async () => {
    const { get, signatures, requests } = scene()
    await Promise.all(Array.from({ length: 100 }, () => get('digest')))
    expect([requests(), signatures().length]).toEqual([100, 1])
  })

  test('and for each version, and each object', async () => {
    const { get, store, signatures } = scene()
    await get('version')
    await get('version', { ifMatch: '"canned"@v1.canned' })
    await get('other')
    await store.get('version', { ifMatch: '"canned"@v2' }, signal).catch(kindOf)
    expect(signatures()).toHaveLength(4)
  })
})

describe('a URL is used', () => {
  test('for 14 of its 15 minutes, where the credentials do not end', async () => {
    const { clock, get, signatures, lifetimes } = scene()
    const begun = clock.now
    await get('digest')
    clock.now = begun + 14 * MINUTE - 1
    await get('digest')
    expect(signatures()).toHaveLength(1)
    clock.now = begun + 14 * MINUTE
    await get('digest')
    expect(signatures()).toHaveLength(2)
    expect(lifetimes()).toEqual(['900', '900', '900'])
  })

  test('until a minute before its credentials end, and is signed for no longer', async () => {
    const ending = lasting(4)
    const { clock, get, signatures, lifetimes, signers } = scene(async () => ending)
    const end = ending.expiration.getTime()
    clock.now = end - 3 * MINUTE
    await get('digest')
    clock.now = end - MINUTE - 1
    await get('digest')
    expect([signatures().length, lifetimes()]).toEqual([1, ['180', '180']])
    clock.now = end - MINUTE
    expect(await get('digest')).toEqual(reading(bytes))
    expect(signers()).toEqual(['AKONE', 'AKONE', 'client'])
  })

  test('no more when other credentials have come', async () => {
    let current = lasting(4)
    const { clock, get, signers, signatures } = scene(async () => current)
    await get('digest')
    current = lasting(4, 'AKTWO')
    await get('digest')
    current = lasting(4)
    clock.now += 1000
    await get('digest')
    expect(signers()).toEqual(['AKONE', 'AKTWO', 'AKONE'])
    expect(signatures()).toHaveLength(3)
  })

  test('no more when the service refused it', async () => {
    const { get, signatures } = scene()
    refusing = 'urls'
    expect(await get('choosy')).toEqual(reading(bytes))
    expect(signatures()).toHaveLength(2)
  })
})

test('where the client opens what a URL was refused, the next 10 s are its own', async () => {
  const { clock, get, signers } = scene()
  await get('other')
  refusing = 'urls'
  expect(await get('choosy')).toEqual(reading(bytes))
  refusing = 'nobody'
  await get('other')
  clock.now += 10_000
  await get('other')
  expect(signers()).toEqual(['AKONE', 'AKONE', 'client', 'client', 'AKONE'])
})

test('a refusal that the client shares is one, and changes nothing for other objects', async () => {
  const { get, store, signers, signatures } = scene()
  await get('other')
  expect(await store.get('archived', {}, signal).catch(kindOf)).toBe('upstream_error')
  await get('other')
  expect(signers()).toEqual(['AKONE', 'AKONE', 'client', 'AKONE'])
  expect(signatures()).toHaveLength(3)
})

test('the oldest is forgotten first', async () => {
  const clock = { now: Date.now() }
  const urls = createSignedUrls(s3Client({ port: 1, keys }), () => clock.now, 2)
  const sign = async (Key: string) => {
    clock.now += 1000
    return (await urls.of({ Bucket: BUCKET, Key }))?.target
  }
  const [first, second] = [await sign('first'), await sign('second')]
  expect(await sign('first')).toBe(first)
  await sign('third')
  expect(await sign('second')).toBe(second)
  expect(await sign('first')).not.toBe(first)
})

test('a directory bucket is signed for by sessions, and so by the client', async () => {
  const urls = createSignedUrls(s3Client({ port: 1, keys }), Date.now, 2)
  expect(await urls.of({ Bucket: 'exports--use1-az4--x-s3', Key: 'a' })).toBeUndefined()
  expect(await urls.of({ Bucket: 'exports', Key: 'a' })).toBeDefined()
})
