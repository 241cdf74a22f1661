import { createHash } from 'node:crypto'

import type { ExportStore } from '@sallyport/core'
import {
  createChaosStore,
  createLeakScanner,
  createMemoryStore,
  positionCoded,
  type StoreFixture,
  storeContract,
} from '@sallyport/core/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { openFiles } from '../../../../scripts/servers/open-files.ts'
import { createPartsStore, describeParts, type Part } from '../../src/parts.ts'
import { nobodyOpen } from '../proxy-waits.ts'
import { type Service, startService } from '../served/service.ts'
import { partsFixture } from './parts-fixture.ts'
import { partsOnDisk, type PartsServer, partsServers } from './servers.ts'

const PART = 262_144
const KEY = 'keycanary.jsonl'
const PARTS = 24
const CUTS = 20
/** Bytes of the header that each part begins with. */
const HEADER = 37
const signal = new AbortController().signal
const whole = positionCoded(PARTS * PART)
const sha256 = createHash('sha256').update(whole).digest('hex')

/** 24 parts of 256 KiB, each behind a header. */
async function putParts(fixture: StoreFixture, folder = 'unload'): Promise<readonly Part[]> {
  const parts: Part[] = []
  for (let nth = 0; nth < PARTS; nth++) {
    const key = `${folder}/${String(nth).padStart(4, '0')}_part_00`
    const object = Buffer.concat([positionCoded(HEADER, 9), whole.subarray(nth * PART, (nth + 1) * PART)])
    await fixture.put(key, object)
    const validator = (await fixture.store.head(key, signal))?.validator
    parts.push({ key, size: object.length, validator, first: HEADER })
  }
  return parts
}

const services: Service[] = []
const serve = async (...options: Parameters<typeof startService>): Promise<Service> => {
  const service = await startService(...options)
  services.push(service)
  return service
}
afterEach(() => Promise.all(services.splice(0).map((service) => service.close())))
const ended = (service: Service) => service.events.filter((event) => event.type === 'download_ended')
const exact = { status: 200, size: whole.length, sha256, complete: true }

/** What must hold for parts in every store. */
function servesParts(
  start: () => Promise<{ fixture: StoreFixture; store: ExportStore; parts: readonly Part[] }>,
) {
  describe('through the guard', () => {
    let fixture: StoreFixture
    let store: ExportStore
    let parts: readonly Part[]
    beforeAll(async () => {
      ;({ fixture, store, parts } = await start())
    })
    const partsStore = (from = store) =>
      createPartsStore(from, async (key) => (key === KEY ? parts : undefined))

    test('a plain GET is exact, with one attempt', async () => {
      const service = await serve(partsStore(), { key: KEY })
      expect(await service.download()).toMatchObject(exact)
      expect(ended(service)).toMatchObject([{ outcome: 'completed', attempts: 1 }])
    })

    test('a range over a boundary is exact, and decided by the record alone', async () => {
      const service = await serve(partsStore(), { key: KEY, object: describeParts(parts) })
      const range = { first: 3 * PART - 5, last: 5 * PART + 9 }
      const part = await service.download({ range: `bytes=${range.first}-${range.last}` })
      const expected = whole.subarray(range.first, range.last + 1)
      expect(part).toMatchObject({
        status: 206,
        size: expected.length,
        sha256: createHash('sha256').update(expected).digest('hex'),
        complete: true,
      })
      expect(part.headers['content-range']).toBe(`bytes ${range.first}-${range.last}/${whole.length}`)
    })

    test('20 cuts exactly on part boundaries heal', async () => {
      const faults = [{ does: 'cut', atByte: PART + HEADER, times: CUTS }] as const
      const chaos = createChaosStore(store, { faults })
      const service = await serve(partsStore(chaos), { key: KEY })
      expect(await service.download()).toMatchObject(exact)
      expect(chaos.fired).toHaveLength(CUTS)
      expect(ended(service)).toMatchObject([{ outcome: 'completed', attempts: CUTS + 1 }])
    })

    test.each([1, 2, 3, 4])('under chaos %d a download is exact, or fails visibly', async (seed) => {
      const chaos = createChaosStore(store, { seed })
      const delivery = { storeSilenceMs: 300, resume: { attempts: 3 } }
      const service = await serve(partsStore(chaos), { key: KEY, delivery })
      const download = await service.download()
      expect(chaos.fired.length).toBeGreaterThan(0)
      const seen = `${download.status} ${download.sha256 === sha256 ? 'all' : 'other'} ${download.complete}`
      expect(['200 all true', '200 other false', '502 other true', '503 other true']).toContain(seen)
    })

    test('secrets of the store and keys of parts never reach the client', async () => {
      const scanner = createLeakScanner()
      const planted = scanner.plant(store)
      // The scanner changes validators, so the parts are listed without.
      const list = parts.map(({ key, size, first }) => ({ key, size, first }))
      const joined = createPartsStore(planted, async () => list)
      const absent = createPartsStore(planted, async () => [{ key: 'unload/absent', size: 5 }])
      const wrong = createPartsStore(planted, async () => [{ key: 'unload/0000_part_00', size: 5 }])
      const chaos = createPartsStore(scanner.plant(createChaosStore(store, { seed: 5 })), async () => list)
      const answers = []
      const events: object[] = []
      for (const each of [joined, absent, wrong, chaos]) {
        const service = await serve(each, { key: KEY, delivery: { resume: { attempts: 1 } } })
        answers.push(await service.download({ range: 'bytes=0-3' }), await service.download())
        for (const event of service.events) events.push({ ...event })
      }
      expect(answers.slice(0, 6).map(({ status }) => status)).toEqual([206, 200, 404, 404, 503, 503])
      expect(scanner.find([answers, events])).toEqual([])
    })

    test('a part that is gone is 404 before the head, and a cut after it', async () => {
      const gone = await putParts(fixture, 'gone')
      await fixture.remove('gone/0020_part_00')
      const service = await serve(
        createPartsStore(store, async () => gone),
        { key: KEY },
      )
      const download = await service.download()
      expect(download).toMatchObject({ status: 200, complete: false })
      expect(download.size).toBeLessThanOrEqual(20 * PART) // a reset discards what the client has not read
      expect(ended(service)).toMatchObject([{ outcome: 'object_changed', attempts: 1 }])
      expect(await service.download({ range: `bytes=${20 * PART}-` })).toMatchObject({ status: 404 })
      await fixture.remove('gone/0000_part_00')
      expect(await service.download()).toMatchObject({ status: 404 })
    })
  })
}

describe('parts in memory', () => {
  servesParts(async () => {
    const memory = createMemoryStore()
    const fixture = { store: memory, put: memory.put, remove: memory.remove }
    return { fixture, store: memory, parts: await putParts(fixture) }
  })
})

describe('parts on a disk', () => {
  let disk: Awaited<ReturnType<typeof partsOnDisk>>
  beforeAll(async () => {
    disk = await partsOnDisk()
  })
  afterAll(() => disk.close())

  describe('keep the store contract', () => {
    test.each(storeContract(async () => partsFixture(disk.fixture)))('$title', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined()
    })
  })

  servesParts(async () => ({
    fixture: disk.fixture,
    store: disk.fixture.store,
    parts: await putParts(disk.fixture),
  }))

  test('40 downloads that are left hold no descriptor', async () => {
    const parts = await putParts(disk.fixture)
    const service = await serve(
      createPartsStore(disk.fixture.store, async () => parts),
      { key: KEY },
    )
    await Promise.all(
      Array.from({ length: 40 }, async (_, nth) => {
        const answer = await service.open()
        let read = 0
        for await (const chunk of answer as AsyncIterable<Buffer>) {
          read += chunk.length
          if (read > (nth / 3) * PART) break
        }
        answer.destroy()
      }),
    )
    const held = () => openFiles().filter((path) => path.includes('_part_00'))
    await expect.poll(held, { timeout: 10_000 }).toEqual([])
  })
})

describe.each(partsServers)('parts in $name', ({ here, start }) => {
  describe.skipIf(!here)('on real sockets', { timeout: 120_000 }, () => {
    let server: PartsServer
    let parts: readonly Part[]
    beforeAll(async () => {
      server = await start()
      parts = await putParts(server.fixture)
    }, 120_000)
    afterAll(() => server?.close())
    beforeEach(() => {
      server.proxy.killAll()
      server.proxy.setRule(() => ({}))
      server.proxy.reset()
    })

    describe('keep the store contract', () => {
      const open = async () => partsFixture(server.fixture, server.through, [2])
      test.each(storeContract(open))('$title', async ({ run }) => {
        await expect(run()).resolves.toBeUndefined()
      })
    })

    servesParts(async () => ({ fixture: server.fixture, store: server.through, parts }))

    const overProxy = () =>
      serve(
        createPartsStore(server.through, async () => parts),
        { key: KEY },
      )

    test.each(['end', 'reset'] as const)('more than 20 cuts by %s heal', async (how) => {
      const service = await overProxy()
      // No connection can serve a whole part. Each cut closes the parts that are opened ahead, too.
      server.proxy.setRule(() => ({ cutAfter: 180_001, how }))
      expect(await service.download()).toMatchObject(exact)
      expect(ended(service)).toMatchObject([{ outcome: 'completed' }])
      expect(ended(service)[0]?.attempts).toBeGreaterThan(CUTS)
    })

    test('a store that refuses connections at boundaries heals', async () => {
      const service = await overProxy()
      server.proxy.setRule((nth) => (nth % 2 === 0 ? { refuse: true } : { cutAfter: 500_000, how: 'end' }))
      expect(await service.download()).toMatchObject(exact)
      expect(ended(service)).toMatchObject([{ outcome: 'completed' }])
    })

    test('downloads that are left hold no connection', async () => {
      const service = await overProxy()
      await Promise.all(
        Array.from({ length: 10 }, async (_, nth) => {
          const answer = await service.open()
          let read = 0
          for await (const chunk of answer as AsyncIterable<Buffer>) {
            read += chunk.length
            if (read > 2 * nth * PART) break
          }
          answer.destroy()
        }),
      )
      expect(await service.download()).toMatchObject(exact)
      server.proxy.killAll()
      await nobodyOpen(server.proxy)
    })
  })
})
