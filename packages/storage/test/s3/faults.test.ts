import type { ExportStore } from '@sallyport/core'
import { positionCoded } from '@sallyport/core/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { startCeph } from '../../../../scripts/servers/ceph.ts'
import { createS3Store } from '../../src/s3.ts'
import { openS3Store } from '../../src/s3/store.ts'
import { createUpstream, defaultRuntime } from '../../src/upstream/upstream.ts'
import { leaksIn } from '../leaks.ts'
import { nobodyOpen, requestsReached, sizeReached } from '../proxy-waits.ts'
import { endOf, firstByteOf, kindOf, readOn, reading } from '../reading.ts'
import { type CephScene, startCephScene } from './ceph-scene.ts'
import { BUCKET, createBucket, KEY, PREFIX, s3Client, s3Fixture, waysWithTls } from './scene.ts'

const MIB = 1_048_576
const signal = new AbortController().signal
const bytes = positionCoded(32 * MIB)
const at = { bucket: BUCKET, prefix: PREFIX }

// The cases of one server stand in one order: the last of them ends it.
describe.skipIf(!isHere('ceph'))('on a Ceph object gateway', { timeout: 30_000 }, () => {
  let scene: CephScene
  let ceph: CephScene['ceph']
  let proxy: CephScene['proxy']
  let direct: CephScene['client']

  beforeAll(async () => {
    scene = await startCephScene()
    ;({ ceph, proxy, client: direct } = scene)
    await s3Fixture(direct).put(KEY, bytes)
  }, 60_000)
  afterAll(() => scene?.close())
  beforeEach(() => {
    proxy.setRule(() => ({}))
    proxy.reset()
  })

  const thrownBy = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => 'nothing',
      (error: unknown) => error,
    )
  /** The kind of a refusal, and what it gives away. */
  const refusal = async (asked: Promise<unknown>): Promise<readonly [string, readonly string[]]> => {
    const thrown = await thrownBy(asked)
    return [kindOf(thrown), leaksIn(thrown, scene.words)]
  }

  describe.each(waysWithTls)('%s', (way, create) => {
    /** A store whose next request is the first that the proxy sees. */
    const viaProxy = async (agent: { readonly maxSockets?: number } = {}) => {
      const store = create({ client: scene.clientBy(way, agent), ...at })
      await store.head(KEY, signal)
      proxy.killAll()
      await nobodyOpen(proxy)
      proxy.reset()
      return store
    }

    describe('a body', () => {
      test.each(['reset', 'end'] as const)(
        'that is cut by a %s fails after the bytes that came',
        async (how) => {
          const store = await viaProxy()
          proxy.setRule(() => ({ cutAfter: 3 * MIB, how }))
          const { size, end } = await endOf(await store.get(KEY, {}, signal))
          expect(end).toBe('unavailable')
          expect(size).toBeLessThan(3 * MIB)
          expect(proxy.requests).toHaveLength(1)
        },
      )

      test('that stalls rejects when it is closed, and holds no connection', async () => {
        const store = await viaProxy()
        proxy.setRule(() => ({ cutAfter: 3 * MIB, how: 'stall' }))
        const object = await store.get(KEY, {}, signal)
        const stalled = thrownBy(readOn(object))
        await sizeReached(proxy, 3 * MIB)
        object?.close()
        expect(kindOf(await stalled)).toBe('unavailable')
        await nobodyOpen(proxy)
      })

      test('of a frozen daemon continues when the daemon does', async () => {
        const object = await (await viaProxy()).get(KEY, {}, signal)
        ceph.osd.freeze()
        const read = endOf(object)
        await sizeReached(proxy, MIB)
        ceph.osd.thaw()
        expect(await read).toEqual(reading(bytes))
      })
    })

    test('a body that nobody reads stops the service', async () => {
      const object = await (await viaProxy()).get(KEY, {}, signal)
      await sizeReached(proxy, 1)
      object?.close()
      await nobodyOpen(proxy)
      expect(proxy.down()).toBeLessThan(bytes.length)
    })

    describe('a head', () => {
      afterEach(() => ceph.osd.thaw())
      const impatient = (headersMs: number): ExportStore =>
        openS3Store(
          { client: direct, ...at },
          createUpstream({ ...defaultRuntime, headersMs, connections: () => 50 }),
        )

      test('that never comes is refused in time', async () => {
        ceph.osd.freeze()
        const begun = performance.now()
        expect(await refusal(impatient(300).get(KEY, {}, signal))).toEqual(['unavailable', []])
        expect(await refusal(impatient(300).head(KEY, signal))).toEqual(['unavailable', []])
        expect(performance.now() - begun).toBeLessThan(3000)
      })

      test('is released at once when its caller leaves', async () => {
        const store = await viaProxy()
        ceph.osd.freeze()
        const caller = new AbortController()
        const asked = thrownBy(store.get(KEY, {}, caller.signal))
        await requestsReached(proxy, 1)
        caller.abort('left')
        expect(await asked).toBe('left')
        await nobodyOpen(proxy)
      })

      test('that is lost with its connection is requested once more', async () => {
        const store = await viaProxy()
        proxy.setRule((nth) => (nth === 1 ? { refuse: true } : {}))
        expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
        expect(proxy.traffic).toHaveLength(2)
      })

      test('is requested on a new connection after an idle one was closed, pinned or not', async () => {
        const store = await viaProxy()
        const info = await store.head(KEY, signal)
        proxy.killAll()
        expect(await store.head(KEY, signal)).toMatchObject({ size: bytes.length })
        proxy.killAll()
        const pinned = { range: { first: 0, last: 9 }, ifMatch: info?.validator ?? '' }
        expect(await endOf(await store.get(KEY, pinned, signal))).toEqual(reading(bytes.subarray(0, 10)))
      })
    })

    describe('with two sockets', () => {
      const two = () => viaProxy({ maxSockets: 2 })
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
      ])('50 that left %s free theirs', async (__, leave) => {
        const store = await two()
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
    })

    test('a wrong clock is corrected from the response, and the request is retried', async () => {
      const client = scene.clientBy(way)
      const store = create({ client, ...at })
      await store.head(KEY, signal)
      for (const offset of [3_600_000, -3_600_000]) {
        client.config.systemClockOffset = offset
        expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
      }
    })
  })

  test('a clock that is wrong from the start is corrected by the first request', async () => {
    const client = s3Client({ port: proxy.port, keys: ceph.owner, systemClockOffset: 3_600_000 })
    expect(await endOf(await createS3Store({ client, ...at }).get(KEY, {}, signal))).toEqual(reading(bytes))
    expect(proxy.requests).toHaveLength(2)
  })

  test('20 refused connections open the breaker; one successful probe closes it', async () => {
    let now = 0
    const client = s3Client({ port: proxy.port, keys: ceph.owner })
    const upstream = createUpstream({
      headersMs: 2000,
      connections: () => 50,
      now: () => now,
      random: () => 0,
    })
    const store = openS3Store({ client, ...at }, upstream)
    await store.head(KEY, signal)
    proxy.killAll()
    proxy.setRule(() => ({ refuse: true }))
    for (let nth = 0; nth < 20; nth++)
      expect(await refusal(store.head(KEY, signal))).toEqual(['unavailable', []])
    const tried = proxy.traffic.length
    proxy.setRule(() => ({}))
    expect(await refusal(store.head(KEY, signal))).toEqual(['unavailable', []])
    expect(proxy.traffic).toHaveLength(tried)
    now = 1000
    expect(await store.head(KEY, signal)).toMatchObject({ size: bytes.length })
    expect(await store.head(KEY, signal)).toMatchObject({ size: bytes.length })
  })

  test('a gateway that is killed cuts its bodies, and refuses from then on', async () => {
    const store = createS3Store({ client: direct, ...at })
    const object = await firstByteOf(store, KEY)
    await ceph.gateway.end()
    expect((await endOf(object)).end).toBe('unavailable')
    expect(await refusal(store.get(KEY, {}, signal))).toEqual(['unavailable', []])
    expect(await refusal(store.head(KEY, signal))).toEqual(['unavailable', []])
  })
})

describe.skipIf(!isHere('ceph'))('on a Ceph object gateway that serves two at a time', () => {
  test('SlowDown is retried', { timeout: 60_000 }, async () => {
    const ceph = await startCeph(['rgw_scheduler_type = throttler', 'rgw_max_concurrent_requests = 2'])
    try {
      await createBucket({ port: ceph.port, keys: ceph.owner }, BUCKET)
      const client = s3Client({ port: ceph.port, keys: ceph.owner })
      await s3Fixture(client).put(KEY, bytes)
      const store = createS3Store({ client, ...at })
      const held = [await firstByteOf(store, KEY), await firstByteOf(store, KEY)]
      expect(await store.get(KEY, {}, signal).catch(kindOf)).toBe('unavailable')
      expect((await Promise.all(held.map(endOf))).map(({ end }) => end)).toEqual(['end', 'end'])
      expect(await store.head(KEY, signal)).toMatchObject({ size: bytes.length })
    } finally {
      await ceph.close()
    }
  })
})
