import { createHash } from 'node:crypto'

import { positionCoded } from '@sallyport/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isHere } from '../../../scripts/servers/available.ts'
import { type Ceph, startCeph } from '../../../scripts/servers/ceph.ts'
import { type FaultProxy, startFaultProxy } from '../../../scripts/servers/fault-proxy.ts'
import { createS3Store } from '../src/s3.ts'
import { BUCKET, createBucket, PREFIX, s3Client, s3Fixture } from './s3/scene.ts'
import { startService } from './served/service.ts'

const KEY = 'export.jsonl'
const whole = positionCoded(1_000_000)
const sha256 = createHash('sha256').update(whole).digest('hex')
const DOWNLOADS = 40
const AWAY_MS = 2_500
/** As of a load balancer without servers. */
const AWAY = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

describe.skipIf(!isHere('ceph'))('a Ceph object gateway that is away for 2.5 s under 40 downloads', () => {
  let ceph: Ceph
  let proxy: FaultProxy
  beforeAll(async () => {
    ceph = await startCeph()
    proxy = await startFaultProxy(ceph.port)
    await createBucket({ port: ceph.port, keys: ceph.owner }, BUCKET)
    await s3Fixture(s3Client({ port: ceph.port, keys: ceph.owner })).put(KEY, whole)
  }, 120_000)
  afterAll(async () => {
    await proxy?.close()
    await ceph?.close()
  })

  test(
    'loses none of them, and is asked no more often than the pace allows',
    { timeout: 60_000 },
    async () => {
      const HALF = 500_000
      const client = s3Client({
        port: proxy.port,
        keys: ceph.owner,
        requestHandler: { httpAgent: { maxSockets: 2 * DOWNLOADS } },
      })
      const store = createS3Store({ client, bucket: BUCKET, prefix: PREFIX })
      await store.head(KEY, new AbortController().signal)
      proxy.killAll()
      proxy.reset()
      const service = await startService(store, { key: KEY })
      proxy.setRule(() => ({ cutAfter: HALF, how: 'stall' }))
      const downloads = Array.from({ length: DOWNLOADS }, () => service.download())
      await expect.poll(() => proxy.down(), { timeout: 10_000 }).toBe(DOWNLOADS * HALF)

      const again: number[] = []
      const backAt = performance.now() + AWAY_MS
      proxy.setRule(() => {
        again.push(performance.now())
        return performance.now() < backAt ? { answer: AWAY } : {}
      })
      proxy.killAll()
      const seen = await Promise.all(downloads)
      await expect
        .poll(() => service.events.filter(({ type }) => type === 'download_ended').length)
        .toBe(DOWNLOADS)
      await service.close()

      expect(seen.filter((download) => download.sha256 === sha256)).toHaveLength(DOWNLOADS)
      const mostPerSecond = Math.max(
        ...again.map((at, n) => again.slice(n).filter((other) => other < at + 990).length),
      )
      expect(mostPerSecond).toBeLessThanOrEqual(10)
      expect(
        new Set(service.events.flatMap((event) => (event.type === 'trouble' ? [event.code] : []))),
      ).toEqual(new Set(['store_cut']))
    },
  )
})
