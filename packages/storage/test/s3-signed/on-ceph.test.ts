import { gzipSync } from 'node:zlib'

import { PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { positionCoded, type StoreFixture, storeContract } from '@sallyport/core/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { createSignedS3Store } from '../../src/s3-signed.ts'
import { leaksIn } from '../leaks.ts'
import { nobodyOpen, requestsReached, sizeReached } from '../proxy-waits.ts'
import { endOf, kindOf, readOn, reading } from '../reading.ts'
import {
  type CephScene,
  requestsOfEveryKind,
  startCephScene,
  turnedAway,
  turnedAwayStore,
} from '../s3/ceph-scene.ts'
import { BUCKET, createBucket, KEY, PREFIX, s3Client, s3Fixture } from '../s3/scene.ts'

const MIB = 1_048_576
const signal = new AbortController().signal
const bytes = positionCoded(4 * MIB)
const at = { bucket: BUCKET, prefix: PREFIX }

describe.skipIf(!isHere('ceph'))('on a Ceph object gateway', { timeout: 30_000 }, () => {
  let scene: CephScene
  let ceph: CephScene['ceph']
  let proxy: CephScene['proxy']
  let client: CephScene['client']
  let fixture: StoreFixture

  beforeAll(async () => {
    scene = await startCephScene()
    ;({ ceph, proxy, client } = scene)
    fixture = s3Fixture(client, createSignedS3Store)
    await fixture.put(KEY, bytes)
  }, 60_000)
  afterAll(() => scene?.close())
  beforeEach(() => {
    proxy.setRule(() => ({}))
    proxy.reset()
  })

  const viaProxy = (more: object = {}) =>
    createSignedS3Store({ client: s3Client({ port: proxy.port, keys: ceph.owner, ...more }), ...at })
  const byUrl = () => proxy.requests.map((head) => /^GET \S+X-Amz-Signature=\S+ HTTP/.test(head))

  describe('keeps the store contract', () => {
    test.each(storeContract(async () => fixture))('$title', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined()
    })
  })

  describe('asks exactly once', () => {
    test('for a whole object, and the connections are used again', async () => {
      const store = viaProxy()
      for (let nth = 0; nth < 6; nth++)
        expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
      expect(byUrl()).toEqual(Array.from({ length: 6 }, () => true))
      expect(new Set(proxy.requests.map((head) => head.split(' ')[1])).size).toBe(1)
      expect(proxy.traffic.length).toBeLessThanOrEqual(2) // one rests for a turn after its answer
    })

    test('for a pinned range, with one canonical range and one strong entity-tag', async () => {
      const info = await fixture.store.head(KEY, signal)
      const part = await viaProxy().get(
        KEY,
        { range: { first: 1_000_000, last: 1_999_999 }, ifMatch: info?.validator ?? '' },
        signal,
      )
      expect(await endOf(part)).toEqual(reading(bytes.subarray(1_000_000, 2_000_000)))
      expect(byUrl()).toEqual([true])
      expect(proxy.requests[0]).toMatch(/^range: bytes=1000000-1999999\r$/im)
      expect(proxy.requests[0]).toMatch(/^if-match: "[0-9a-f]+"\r$/im)
    })
  })

  test('a gzip object is told and left so', async () => {
    const Body = gzipSync(bytes.subarray(0, 100_000))
    const zipped = { Bucket: BUCKET, Key: `${PREFIX}/zipped`, Body, ContentEncoding: 'gzip' }
    await client.send(new PutObjectCommand(zipped))
    const object = await fixture.store.get('zipped', {}, signal)
    expect(object?.info).toMatchObject({ size: Body.length, encoding: 'gzip' })
    expect(await endOf(object)).toEqual(reading(Body))
  })

  test.each(['a b', 'ä/ö', '%2e%2e/x', "it's (1)!*", 'a+b&c=d', 'q?x#y', ' '])(
    'the key %j is found',
    async (key) => {
      await fixture.put(key, bytes.subarray(0, 9))
      proxy.reset()
      expect(await endOf(await viaProxy().get(key, {}, signal))).toEqual(reading(bytes.subarray(0, 9)))
      expect(byUrl()).toEqual([true])
    },
  )

  test('a pin of a bucket with versions goes on naming the old bytes', async () => {
    const versioned = { Bucket: `${BUCKET}-versioned` }
    await createBucket({ port: ceph.port, keys: ceph.owner }, versioned.Bucket)
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ ...versioned, VersioningConfiguration }))
    await client.send(new PutObjectCommand({ ...versioned, Key: 'a', Body: bytes }))
    const store = createSignedS3Store({ client, bucket: versioned.Bucket })
    const first = await store.get('a', {}, signal)
    first?.close()
    await client.send(new PutObjectCommand({ ...versioned, Key: 'a', Body: 'other' }))
    const ifMatch = first?.info.validator ?? ''
    const old = await store.get('a', { range: { first: 9, last: 99 }, ifMatch }, signal)
    expect(old?.info).toEqual(first?.info)
    expect(await endOf(old)).toEqual(reading(bytes.subarray(9, 100)))
    expect(await endOf(await store.get('a', {}, signal))).toEqual(reading(Buffer.from('other')))
  })

  describe('who may not', () => {
    test.each(turnedAway)('%s is refused, and told nothing', async (who) => {
      const store = turnedAwayStore(who, createSignedS3Store, scene)
      const thrown: unknown = await store.get(KEY, {}, signal).catch((error: unknown) => error)
      expect(kindOf(thrown)).toBe('upstream_error')
      expect(leaksIn(thrown, scene.words)).toEqual([])
    })

    test('a wrong secret is no absence', async () => {
      const store = turnedAwayStore('a wrong secret', createSignedS3Store, scene, {
        forbiddenIsMissing: true,
      })
      const thrown: unknown = await store.get(KEY, {}, signal).catch((error: unknown) => error)
      expect([kindOf(thrown), leaksIn(thrown, scene.words)]).toEqual(['upstream_error', []])
    })

    test('forbiddenIsMissing takes a 403 for an absence', async () => {
      const store = turnedAwayStore('a stranger', createSignedS3Store, scene, { forbiddenIsMissing: true })
      expect(await store.get(KEY, {}, signal)).toBeUndefined()
    })
  })

  test('a clock that goes wrong is set by the answer to the client, and URLs are signed by it', async () => {
    const store = viaProxy({ systemClockOffset: -3_600_000 })
    expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
    expect(byUrl()).toEqual([true, false, true])
    expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
    expect(byUrl()).toEqual([true, false, true, true])
  })

  describe('a body', () => {
    test.each(['reset', 'end'] as const)('that is cut by a %s breaks off after what came', async (how) => {
      proxy.setRule(() => ({ cutAfter: 3 * MIB, how }))
      const { size, end } = await endOf(await viaProxy().get(KEY, {}, signal))
      expect([end, size < 3 * MIB]).toEqual(['unavailable', true])
      expect(proxy.requests).toHaveLength(1)
    })

    test('that stalls settles when it is closed, and holds no connection', async () => {
      proxy.setRule(() => ({ cutAfter: 3 * MIB, how: 'stall' }))
      const object = await viaProxy().get(KEY, {}, signal)
      const stalled = readOn(object).catch(kindOf)
      await sizeReached(proxy, 3 * MIB)
      object?.close()
      expect(await stalled).toBe('unavailable')
      await nobodyOpen(proxy)
    })

    test('that nobody reads stops the service', async () => {
      const object = await viaProxy().get(KEY, {}, signal)
      await sizeReached(proxy, 1)
      object?.close()
      await nobodyOpen(proxy)
      expect(proxy.down()).toBeLessThan(bytes.length)
    })
  })

  describe('a head', () => {
    test('that is lost with its connection is asked for once more', async () => {
      proxy.setRule((nth) => (nth === 1 ? { refuse: true } : {}))
      expect(await endOf(await viaProxy().get(KEY, {}, signal))).toEqual(reading(bytes))
      expect(proxy.traffic).toHaveLength(2)
    })

    test('is asked for on a new connection after an idle one has gone, pinned or not', async () => {
      const store = viaProxy()
      const first = await store.get(KEY, {}, signal)
      await endOf(first)
      proxy.killAll()
      const pinned = { range: { first: 0, last: 9 }, ifMatch: first?.info.validator ?? '' }
      expect(await endOf(await store.get(KEY, pinned, signal))).toEqual(reading(bytes.subarray(0, 10)))
    })
  })

  describe('with two sockets', () => {
    const two = () => viaProxy({ requestHandler: { httpAgent: { maxSockets: 2 } } })
    const turns = async (count: number): Promise<void> => {
      for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
    }

    test.each([
      ['before it is sent', async (caller: AbortController) => caller.abort('left')],
      ['a few turns later', async (caller: AbortController) => turns(3).then(() => caller.abort('left'))],
      [
        'while it is on its way',
        async (caller: AbortController) => requestsReached(proxy, 1).then(() => caller.abort('left')),
      ],
    ])('50 that left %s free theirs', async (_, leave) => {
      const store = two()
      proxy.setRule((nth) => (nth <= 2 ? { latencyMs: 2000 } : {}))
      const caller = new AbortController()
      const asked = Array.from({ length: 50 }, () =>
        store.get(KEY, {}, caller.signal).then(
          (object) => object?.close(),
          (reason: unknown) => reason,
        ),
      )
      await leave(caller)
      expect(new Set(await Promise.all(asked))).toEqual(new Set(['left']))
      expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
      expect(proxy.openNow()).toBeLessThanOrEqual(2)
    })

    test('200 of every kind leave room for one more', async () => {
      const store = two()
      const kinds = await requestsOfEveryKind(store, bytes.length)
      await Promise.all(Array.from({ length: 20 }, () => kinds.map((ask) => ask())).flat())
      expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
    })
  })
})
