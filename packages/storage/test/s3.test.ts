import { gzipSync } from 'node:zlib'

import { PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { positionCoded, type StoreFixture, storeContract } from '@sallyport/core/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { isHere } from '../../../scripts/servers/available.ts'
import { openS3Store } from '../src/s3/store.ts'
import { createUpstream, defaultRuntime } from '../src/upstream/upstream.ts'
import { leaksIn } from './leaks.ts'
import { nobodyOpen } from './proxy-waits.ts'
import { endOf, kindOf, reading } from './reading.ts'
import {
  type CephScene,
  requestsOfEveryKind,
  startCephScene,
  turnedAway,
  turnedAwayStore,
} from './s3/ceph-scene.ts'
import { BUCKET, createBucket, KEY, PREFIX, s3Fixture, waysWithTls } from './s3/scene.ts'

const MIB = 1_048_576
const signal = new AbortController().signal
const bytes = positionCoded(4 * MIB)

describe.skipIf(!isHere('ceph'))('on a Ceph object gateway', { timeout: 30_000 }, () => {
  let scene: CephScene
  let ceph: CephScene['ceph']
  let proxy: CephScene['proxy']
  let client: CephScene['client']
  let fixture: StoreFixture

  beforeAll(async () => {
    scene = await startCephScene()
    ;({ ceph, proxy, client } = scene)
    fixture = s3Fixture(client)
    await fixture.put(KEY, bytes)
  }, 60_000)
  afterAll(() => scene?.close())
  beforeEach(() => proxy.reset())

  describe.each(waysWithTls)('%s', (way, create) => {
    beforeAll(() => {
      // The SDK's way changes its client.
      client = scene.clientBy(way, {}, 'the proxy')
      fixture = s3Fixture(client, create)
    })

    const put = (key: string, more: object = {}, bucket = BUCKET) =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ...more }))

    describe('keeps the store contract', () => {
      test.each(storeContract(async () => fixture))('$title', async ({ run }) => {
        await expect(run()).resolves.toBeUndefined()
      })
    })

    describe('sends exactly one request', () => {
      const learned = async () => {
        const store = create({ client: scene.clientBy(way), bucket: BUCKET, prefix: PREFIX })
        await store.head(KEY, signal)
        proxy.killAll()
        await nobodyOpen(proxy)
        proxy.reset()
        return store
      }

      test('for a whole object, and the connection is used again', async () => {
        const store = await learned()
        for (let nth = 0; nth < 6; nth++)
          expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
        expect(proxy.requests.map((head) => head.split(' ')[0])).toEqual(Array(6).fill('GET'))
        expect(proxy.traffic.length).toBeLessThanOrEqual(2) // one rests for a turn after its answer
      })

      test('for a pinned range, with one canonical range and one strong entity-tag', async () => {
        const info = await fixture.store.head(KEY, signal)
        const store = await learned()
        const part = await store.get(
          KEY,
          { range: { first: 1_000_000, last: 1_999_999 }, ifMatch: info?.validator ?? '' },
          signal,
        )
        expect(await endOf(part)).toEqual(reading(bytes.subarray(1_000_000, 2_000_000)))
        expect(proxy.requests).toHaveLength(1)
        expect(proxy.requests[0]).toMatch(/^range: bytes=1000000-1999999\r$/im)
        expect(proxy.requests[0]).toMatch(/^if-match: "[0-9a-f]+"\r$/im)
        expect(/^x-amz-user-agent: /im.test(proxy.requests[0] ?? '')).toBe(way === 'by the SDK')
      })
    })

    test.each([
      'a b',
      'ä/ö',
      '%2e%2e/x',
      "it's (1)!*",
      'a+b&c=d',
      'q?x#y',
      ' ',
      '\u{1f600}/\u0301',
      'a%20b',
      '~_-.@:$,;=',
    ])('the key %j is found', async (key) => {
      await fixture.put(key, bytes.subarray(0, 9))
      expect(await endOf(await fixture.store.get(key, {}, signal))).toEqual(reading(bytes.subarray(0, 9)))
      expect((await fixture.store.head(key, signal))?.size).toBe(9)
    })

    test('an object that is stored as gzip is described as gzip and not decoded', async () => {
      const zipped = gzipSync(bytes.subarray(0, 100_000))
      await client.send(
        new PutObjectCommand({
          Bucket: BUCKET,
          Key: `${PREFIX}/zipped`,
          Body: zipped,
          ContentEncoding: 'gzip',
        }),
      )
      const object = await fixture.store.get('zipped', {}, signal)
      expect(object?.info).toMatchObject({ size: zipped.length, encoding: 'gzip' })
      expect(await endOf(object)).toEqual(reading(zipped))
    })

    test.each([
      ['GZIP', 'gzip'],
      ['x-gzip', 'gzip'],
      ['br', 'br'],
      ['zstd', 'zstd'],
      ['aws-chunked', undefined],
      ['aws-chunked,gzip', 'gzip'],
      ['utf-8', undefined],
    ])(
      'an object stored with Content-Encoding: %s is described as %s, as it is',
      async (stored, encoding) => {
        const codes: string[] = []
        const store = create({ client, bucket: BUCKET, prefix: PREFIX })
        store.onTrouble?.((code) => void codes.push(code))
        await put(`${PREFIX}/coded`, { ContentEncoding: stored })
        expect((await store.head('coded', signal))?.encoding).toBe(encoding)
        const object = await store.get('coded', {}, signal)
        expect(object?.info.encoding).toBe(encoding)
        expect(await endOf(object)).toEqual(reading(bytes))
        expect(codes).toEqual(stored === 'utf-8' ? ['encoding_ignored'] : [])
      },
    )

    test('an object with another Content-Encoding is refused', async () => {
      await put(`${PREFIX}/coded`, { ContentEncoding: 'deflate' })
      expect(await fixture.store.head('coded', signal).catch(kindOf)).toBe('upstream_error')
      expect(await fixture.store.get('coded', {}, signal).catch(kindOf)).toBe('upstream_error')
    })

    describe("keys: 'literal'", () => {
      const keys = [
        '/led',
        'two//slashes',
        '/both/',
        './here',
        'over/./here',
        '../outside',
        'a/../b',
        '..',
        '.',
        String.raw`back\slash`,
        String.raw`..\outside`,
      ]
      const literal = () => create({ client, bucket: BUCKET, prefix: PREFIX, keys: 'literal' })

      test.each(keys)('%j is that object; by default it is refused', async (key) => {
        await put(`${PREFIX}/${key}`, { Body: key })
        expect(await endOf(await literal().get(key, {}, signal))).toEqual(reading(Buffer.from(key)))
        expect((await literal().head(key, signal))?.size).toBe(Buffer.byteLength(key))
        expect(await fixture.store.get(key, {}, signal).catch(kindOf)).toBe('upstream_error')
      })

      test.each(['../beside', 'a/../../beside', String.raw`..\beside`, '/../beside', '%2e%2e/beside'])(
        '%j does not leave the prefix',
        async (key) => {
          await put('prefixcanary/beside')
          expect(await literal().get(key, {}, signal)).toBeUndefined()
          expect(await literal().head(key, signal)).toBeUndefined()
        },
      )
    })

    test('a missing bucket is refused, by get and by head', async () => {
      const store = create({ client, bucket: `${BUCKET}-missing` })
      expect(await store.get(KEY, {}, signal).catch(kindOf)).toBe('upstream_error')
      expect(await store.head(KEY, signal).catch(kindOf)).toBe('upstream_error')
    })

    describe("validator: 'lastModified+size'", () => {
      const store = () => create({ client, bucket: BUCKET, prefix: PREFIX, validator: 'lastModified+size' })

      test('pins a range, and notices an object of another size', async () => {
        await put(`${PREFIX}/dated`)
        const info = await store().head('dated', signal)
        const pinned = { range: { first: 10, last: 19 }, ifMatch: info?.validator ?? '' }
        expect(await endOf(await store().get('dated', pinned, signal))).toEqual(
          reading(bytes.subarray(10, 20)),
        )
        await put(`${PREFIX}/dated`, { Body: bytes.subarray(1) })
        expect(await store().get('dated', pinned, signal).catch(kindOf)).toBe('object_changed')
      })
    })

    describe('in a bucket with versions', () => {
      const versioned = `${BUCKET}-versioned-${waysWithTls.findIndex(([name]) => name === way)}`
      beforeAll(async () => {
        await createBucket({ port: ceph.port, keys: ceph.owner }, versioned)
        await put('before', {}, versioned)
        const VersioningConfiguration = { Status: 'Enabled' } as const
        await client.send(new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration }))
      })

      test("with validator: 'version', a pin still names the old bytes after an overwrite", async () => {
        await put('by-version', {}, versioned)
        const store = create({ client, bucket: versioned, validator: 'version' })
        const info = await store.head('by-version', signal)
        expect(info?.validator).toMatch(/^@\S+$/)
        await put('by-version', { Body: 'new' }, versioned)
        const pinned = await store.get('by-version', { ifMatch: info?.validator ?? '' }, signal)
        expect(await endOf(pinned)).toEqual(reading(bytes))
        expect((await store.head('by-version', signal))?.size).toBe(3)
      })

      test("with validator: 'version', an object from before the versions is refused", async () => {
        const store = create({ client, bucket: versioned, validator: 'version' })
        expect(await store.get('before', {}, signal).catch(kindOf)).toBe('upstream_error')
      })

      test('a pin still names the old bytes after an overwrite', async () => {
        await put('a', {}, versioned)
        const store = create({ client, bucket: versioned })
        const info = await store.head('a', signal)
        expect(info?.validator).toMatch(/^"[0-9a-f]+"@\S+$/)
        await put('a', { Body: 'other' }, versioned)
        const ifMatch = info?.validator ?? ''
        const old = await store.get('a', { range: { first: 9, last: 99 }, ifMatch }, signal)
        expect(old?.info).toEqual(info)
        expect(await endOf(old)).toEqual(reading(bytes.subarray(9, 100)))
        expect((await store.head('a', signal))?.validator).not.toBe(ifMatch)
      })

      test('an entity-tag alone pins, too, and is returned unchanged', async () => {
        await put('b', {}, versioned)
        const store = create({ client, bucket: versioned })
        const etag = (await store.head('b', signal))?.validator.split('@')[0] ?? ''
        const object = await store.get('b', { ifMatch: etag }, signal)
        object?.close()
        expect(object?.info.validator).toBe(etag)
      })

      test('an object from before versioning has no version', async () => {
        const store = create({ client, bucket: versioned })
        expect((await store.head('before', signal))?.validator).toMatch(/^"[0-9a-f]+"$/)
      })
    })

    describe('a caller without permission', () => {
      test.each(turnedAway)('%s is refused, and the refusal reveals nothing', async (who) => {
        const store = turnedAwayStore(who, create, scene)
        const thrown: unknown = await store.get(KEY, {}, signal).catch((error: unknown) => error)
        expect(kindOf(thrown)).toBe('upstream_error')
        expect(leaksIn(thrown, scene.words)).toEqual([])
      })

      test('a wrong secret does not count as a missing object', async () => {
        const store = turnedAwayStore('a wrong secret', create, scene, { forbiddenIsMissing: true })
        const thrown: unknown = await store.get(KEY, {}, signal).catch((error: unknown) => error)
        expect([kindOf(thrown), leaksIn(thrown, scene.words)]).toEqual(['upstream_error', []])
      })

      test('forbiddenIsMissing treats a 403 as a missing object, for HEAD, too', async () => {
        const store = turnedAwayStore('a stranger', create, scene, { forbiddenIsMissing: true })
        expect(await store.get(KEY, {}, signal)).toBeUndefined()
        expect(await store.head(KEY, signal)).toBeUndefined()
      })
    })

    describe('with two sockets', () => {
      test('200 requests of every kind leave room for one more', async () => {
        const client = scene.clientBy(way, { maxSockets: 2 })
        const store = create({ client, bucket: BUCKET, prefix: PREFIX })
        const kinds = await requestsOfEveryKind(store, bytes.length)
        await Promise.all(Array.from({ length: 20 }, () => kinds.map((ask) => ask())).flat())
        expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
      })

      test('a waiting request has a deadline, may leave, and continues as soon as a socket is free', async () => {
        const upstream = createUpstream({ ...defaultRuntime, headersMs: 1000, connections: () => 2 })
        const store = openS3Store(
          { client: scene.clientBy(way, {}, 'the proxy'), bucket: BUCKET, prefix: PREFIX },
          upstream,
        )
        const held = [await store.get(KEY, {}, signal), await store.get(KEY, {}, signal)]
        expect(await store.get(KEY, {}, signal).catch(kindOf)).toBe('unavailable')
        const caller = new AbortController()
        const left = store.get(KEY, {}, caller.signal).catch((error: unknown) => error)
        caller.abort('left')
        expect(await left).toBe('left')
        const waiting = store.get(KEY, {}, signal)
        held[0]?.close()
        expect(await endOf(await waiting)).toEqual(reading(bytes))
        held[1]?.close()
      })
    })

    test('a validator of another kind of store matches no object', async () => {
      expect(await fixture.store.get(KEY, { ifMatch: '300-1771000000' }, signal).catch(kindOf)).toBe(
        'object_changed',
      )
      expect(await fixture.store.get('missing', { ifMatch: '300-1771000000' }, signal)).toBeUndefined()
    })

    test.each([{ bucket: '' }, { bucket: BUCKET, prefix: '../up' }])('refuses the options %o', (options) => {
      expect(() => create({ client, ...options })).toThrow(TypeError)
    })
  })
})
