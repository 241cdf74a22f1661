import { createHash } from 'node:crypto'

import { positionCoded } from '@sallyport/core/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { leaksIn } from './leaks.ts'
import { type Backend, backends } from './served/backends.ts'
import { type Service, startService } from './served/service.ts'

const MIB = 1_048_576
const KEY = 'keycanary.jsonl'
const CUTS = 20
/** A full proof takes 1,024; only there does the bound on memory say much. */
const SIZE = Number(process.env['SALLYPORT_HEALING_MIB'] ?? 64) * MIB
const EACH = Math.floor(SIZE / (CUTS + 2))
const whole = positionCoded(SIZE)
const sha256 = createHash('sha256').update(whole).digest('hex')

describe.each(backends)('a download from $name, cut 20 times', ({ here, start }) => {
  describe.skipIf(!here)('through the guard to a real client', { timeout: 120_000 }, () => {
    let backend: Backend
    let service: Service

    beforeAll(async () => {
      backend = await start()
      await backend.put(KEY, whole)
    }, 120_000)
    afterAll(() => backend?.close())
    beforeEach(async () => {
      backend.proxy.killAll()
      backend.proxy.reset()
      service = await startService(backend.store, { key: KEY })
    })
    afterEach(() => service.close())

    const ranges = () =>
      backend.proxy.requests.map((head) => {
        const [, first, last] = /^(?:x-ms-)?range: bytes=(\d+)-(\d+)\r$/im.exec(head) ?? []
        return {
          first: Number(first ?? 0),
          last: Number(last ?? SIZE - 1),
          pin: /^if-match: ("[^"]+")\r$/im.exec(head)?.[1],
        }
      })
    const endOfDownload = () => service.events.filter((event) => event.type === 'download_ended')

    test(
      'is exact, one 200, each re-open pinned and at the exact next byte',
      { timeout: 120_000 },
      async () => {
        backend.proxy.setRule((nth) => (nth <= CUTS ? { cutAfter: EACH, how: 'end' } : {}))
        const download = await service.download()
        expect(download).toMatchObject({ status: 200, size: SIZE, sha256, complete: true })
        expect(endOfDownload()).toMatchObject([{ outcome: 'completed', attempts: CUTS + 1, bytesSent: SIZE }])

        const asked = ranges()
        const { traffic } = backend.proxy
        expect(asked).toHaveLength(CUTS + 1)
        const next = traffic
          .slice(0, CUTS)
          .map(({ down, head }, nth) => (asked[nth]?.first ?? 0) + down - head)
        expect(asked.slice(1).map(({ first }) => first)).toEqual(next)
        expect(new Set(asked.map(({ last }) => last))).toEqual(new Set([SIZE - 1]))
        const [plain, ...pinned] = asked.map(({ pin }) => pin)
        expect(plain).toBeUndefined()
        expect(new Set(pinned).size).toBe(1)
        expect(pinned[0]).toMatch(/^"/)
      },
    )

    test('by resets is exact, too, and uses little memory', async () => {
      backend.proxy.setRule((nth) => (nth <= CUTS ? { cutAfter: EACH, how: 'reset' } : {}))
      const memory = watchMemory()
      expect(await service.download()).toMatchObject({ status: 200, sha256, complete: true })
      expect(memory.stop()).toBeLessThan(160 * MIB)
      expect(endOfDownload()).toMatchObject([{ outcome: 'completed', attempts: CUTS + 1 }])
    })

    test('is cut visibly if the object is overwritten between two opens', async () => {
      backend.proxy.setRule(async (nth) => {
        if (nth === 11) await backend.put(KEY, positionCoded(1000, 2))
        return nth <= CUTS ? { cutAfter: EACH, how: 'end' } : {}
      })
      const download = await service.download()
      await backend.put(KEY, whole)
      expect(download).toMatchObject({ status: 200, complete: false })
      expect(download.size).toBeLessThanOrEqual(10 * EACH)
      expect(endOfDownload()).toMatchObject([{ outcome: 'object_changed', attempts: 11 }])
    })

    test('is cut visibly if the store stays away, and reveals nothing of the store', async () => {
      const impatient = await startService(backend.store, { key: KEY, delivery: { resume: { attempts: 2 } } })
      backend.proxy.setRule((nth) => (nth === 1 ? { cutAfter: EACH, how: 'reset' } : { refuse: true }))
      const download = await impatient.download()
      await impatient.close()
      expect(download.complete).toBe(false)
      expect(impatient.events.map((event) => event.type)).toEqual([
        'download_started',
        'trouble',
        'download_ended',
      ])
      expect(impatient.events[2]).toMatchObject({ outcome: 'store_cut', attempts: 3 })
      expect(leaksIn([download, impatient.events], [...backend.words, '127.0.0.1'])).toEqual([])
    })
  })
})

/** How many bytes outside the heap were held at most, above what was there before. */
function watchMemory(): { stop(): number } {
  const before = process.memoryUsage().arrayBuffers
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers)
  }, 20)
  return {
    stop: () => {
      clearInterval(timer)
      return most - before
    },
  }
}
