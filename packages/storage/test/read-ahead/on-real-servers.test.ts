import { positionCoded } from '@sallyport/core/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { type Ceph, startCeph } from '../../../../scripts/servers/ceph.ts'
import { type FaultProxy, startFaultProxy } from '../../../../scripts/servers/fault-proxy.ts'
import { createReadAheadStore } from '../../src/read-ahead.ts'
import { createS3Store } from '../../src/s3.ts'
import { nobodyOpen } from '../proxy-waits.ts'
import { endOf, firstByteOf, kindOf, reading } from '../reading.ts'
import { BUCKET, createBucket, KEY, PREFIX, s3Client, s3Fixture } from '../s3/scene.ts'

const MIB = 1_048_576
const PART = MIB
const HEADS = 4096
const signal = new AbortController().signal
// Of a plain answer the first part is three quarters: these are 40 parts.
const bytes = positionCoded(39.75 * PART)

describe.skipIf(!isHere('ceph'))(
  'read-ahead of 4 parts before a Ceph object gateway',
  { timeout: 30_000 },
  () => {
    let ceph: Ceph
    let proxy: FaultProxy

    beforeAll(async () => {
      ceph = await startCeph()
      proxy = await startFaultProxy(ceph.port)
      await createBucket({ port: ceph.port, keys: ceph.owner }, BUCKET)
      await s3Fixture(s3Client({ port: ceph.port, keys: ceph.owner })).put(KEY, bytes)
    }, 60_000)
    afterAll(async () => {
      await proxy?.close()
      await ceph?.close()
    })
    beforeEach(() => {
      proxy.killAll()
      proxy.reset()
    })

    const ahead = async () => {
      const store = createS3Store({
        client: s3Client({ port: proxy.port, keys: ceph.owner }),
        bucket: BUCKET,
        prefix: PREFIX,
      })
      await store.head(KEY, signal) // from then on it sends by itself
      proxy.killAll()
      proxy.reset()
      return createReadAheadStore(store, { partBytes: PART })
    }
    const slow = { latencyMs: 20, bytesPerSecond: MIB }

    test('reads at least 3.5 bodies at a time if one connection is slow', async () => {
      proxy.setRule(() => slow)
      expect(await endOf(await (await ahead()).get(KEY, {}, signal))).toEqual(reading(bytes))
      expect(proxy.averageMoving()).toBeGreaterThanOrEqual(3.5)
      // Without reuse there would be 40. The first part is closed in the middle, so its connection is lost: the next part opens a
      // fifth one, and undici's pool opens the lost one again.
      expect(proxy.traffic.length).toBeLessThanOrEqual(6)
    })

    test('stops with its reader: fetches no byte more than 4 parts ahead', async () => {
      proxy.setRule(() => slow)
      const object = await firstByteOf(await ahead(), KEY)
      await calm(proxy)
      expect(proxy.down()).toBeGreaterThan(3 * PART)
      expect(proxy.down()).toBeLessThanOrEqual(4 * PART + HEADS)
      object.close()
      await calm(proxy)
      expect(proxy.down()).toBeLessThanOrEqual(4 * PART + HEADS)
    })

    test('releases every connection when it is closed', async () => {
      proxy.setRule(() => slow)
      const object = await firstByteOf(await ahead(), KEY)
      await expect.poll(() => proxy.openNow(), { timeout: 15_000 }).toBeGreaterThanOrEqual(3)
      const read = endOf(object)
      object.close()
      expect((await read).end).toBe('unavailable')
      await nobodyOpen(proxy)
    })

    test('fails if the object is overwritten between two parts', async () => {
      const fixture = s3Fixture(s3Client({ port: ceph.port, keys: ceph.owner }))
      await fixture.put('changing', bytes)
      proxy.setRule(async (nth) => {
        if (nth === 3) await fixture.put('changing', positionCoded(1000, 2))
        return {}
      })
      const object = await (await ahead()).get('changing', {}, signal)
      const { size, end } = await endOf(object)
      expect(end).toBe('object_changed')
      expect(size % PART).toBe((PART * 3) / 4)
    })

    test('requests an object of one part once', async () => {
      const fixture = s3Fixture(s3Client({ port: ceph.port, keys: ceph.owner }))
      await fixture.put('small', bytes.subarray(0, PART))
      await fixture.put('empty', new Uint8Array())
      proxy.setRule(() => ({}))
      const store = await ahead()
      expect(await endOf(await store.get('small', {}, signal))).toEqual(reading(bytes.subarray(0, PART)))
      expect(await endOf(await store.get('empty', {}, signal))).toEqual(reading(new Uint8Array()))
      expect(await store.get('missing', {}, signal).catch(kindOf)).toBeUndefined()
      expect(proxy.requests.map((head) => head.split(' ')[0])).toEqual(['GET', 'GET', 'GET'])
    })
  },
)

/** Until no byte has moved for a while. */
async function calm(proxy: FaultProxy): Promise<void> {
  let last = -1
  const moved = (): number => {
    const since = proxy.down() - last
    last = proxy.down()
    return since
  }
  await expect.poll(moved, { timeout: 10_000, interval: 300 }).toBe(0)
}
