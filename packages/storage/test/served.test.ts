import { createHash } from 'node:crypto'
import { once } from 'node:events'

import { createChaosStore, createLeakScanner, positionCoded } from '@sallyport/core/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { leaksIn } from './leaks.ts'
import { nobodyOpen } from './proxy-waits.ts'
import { type Backend, backends } from './served/backends.ts'
import { type Service, startService } from './served/service.ts'

const MIB = 1_048_576
const KEY = 'keycanary.jsonl'
const whole = positionCoded(8 * MIB)
const digest = createHash('sha256').update(whole).digest('hex')
const signal = new AbortController().signal

describe.each(backends)('the guard before $name', ({ here, start }) => {
  describe.skipIf(!here)('over real sockets', { timeout: 30_000 }, () => {
    let backend: Backend
    const services: Service[] = []
    const serve = async (...options: Parameters<typeof startService>): Promise<Service> => {
      const service = await startService(...options)
      services.push(service)
      return service
    }
    const recorded = async () => {
      const { size = 0, validator = '' } = (await backend.store.head(KEY, signal)) ?? {}
      backend.proxy.reset()
      return { key: KEY, object: { size, validator } }
    }

    beforeAll(async () => {
      backend = await start()
      await backend.put(KEY, whole)
    }, 60_000)
    afterAll(() => backend?.close())
    beforeEach(() => {
      backend.proxy.setRule(() => ({}))
      backend.proxy.reset()
    })
    afterEach(() => Promise.all(services.splice(0).map((service) => service.close())))
    const methods = () => backend.proxy.requests.map((head) => head.split(' ')[0])

    test('a plain GET sends one request to the store', async () => {
      const service = await serve(backend.store, { key: KEY })
      expect(await service.download()).toMatchObject({ status: 200, size: whole.length, complete: true })
      expect(methods()).toEqual(['GET'])
      expect(service.events.at(-1)).toMatchObject({ outcome: 'completed', attempts: 1 })
    })

    test('a ranged GET sends one request if the record has size and validator', async () => {
      const service = await serve(backend.store, await recorded())
      const part = await service.download({ range: 'bytes=1048576-2097151' })
      expect(part).toMatchObject({ status: 206, size: MIB, complete: true })
      expect(part.headers['content-range']).toBe(`bytes 1048576-2097151/${whole.length}`)
      expect(methods()).toEqual(['GET'])
    })

    test('a response without bytes requests none from the store', async () => {
      const service = await serve(backend.store, await recorded())
      const { etag = '' } = (await service.open()).destroy().headers
      backend.proxy.reset()
      expect(await service.download({ 'if-none-match': etag })).toMatchObject({ status: 304 })
      expect(await service.download({ 'if-match': '"other"' })).toMatchObject({ status: 412 })
      expect(await service.download({ range: `bytes=${whole.length}-` })).toMatchObject({ status: 416 })
      expect(methods()).toEqual([])
    })

    test('200 responses without a body, and aborted downloads, hold no connection', async () => {
      const service = await serve(backend.store, { key: KEY })
      const { etag = '' } = (await service.open({}, 'HEAD')).resume().headers
      const ask = async (nth: number): Promise<void> => {
        if (nth % 5 === 0) (await service.open({}, 'HEAD')).resume()
        else if (nth % 5 === 1) await service.download({ 'if-none-match': etag })
        else if (nth % 5 === 2) await service.download({ 'if-match': '"other"' })
        else if (nth % 5 === 3) await service.download({ range: `bytes=${whole.length}-` })
        else await once((await service.open()).destroy(), 'close')
      }
      for (let batch = 0; batch < 10; batch++)
        await Promise.all(Array.from({ length: 20 }, (_, nth) => ask(nth)))
      expect(await service.download()).toMatchObject({ status: 200, size: whole.length, complete: true })
      backend.proxy.killAll()
      await nobodyOpen(backend.proxy)
    })

    test('a record that does not match its object gives 502, and reveals nothing of the store', async () => {
      const { object } = await recorded()
      for (const lie of [{ size: 5 }, { validator: '"0123456789abcdef0123456789abcdef"' }]) {
        const service = await serve(backend.store, { key: KEY, object: { ...object, ...lie } })
        const answers = [await service.download(), await service.download({ range: 'bytes=0-3' })]
        expect(answers.map(({ status }) => status)).toEqual([502, 502])
        expect(leaksIn([answers, service.events], [...backend.words, '127.0.0.1'])).toEqual([])
      }
    })

    test('secrets of the store never reach the client: in responses, refusals, cuts and outages', async () => {
      const scanner = createLeakScanner()
      const store = scanner.plant(backend.store)
      const service = await serve(store, {
        key: KEY,
        delivery: { resume: { attempts: 1 }, multipleRanges: true },
      })
      const absent = await serve(store, { key: 'keycanary/absent' })
      const lying = await serve(store, { key: KEY, object: { size: 5 } })
      const answers = [
        await service.download(),
        await service.download({ range: 'bytes=0-3' }),
        await service.download({ range: 'bytes=0-3,7-9' }),
        await service.download({ 'if-match': '"other"' }),
        await absent.download(),
        await lying.download(),
      ]
      backend.proxy.killAll()
      backend.proxy.reset()
      backend.proxy.setRule((nth) => (nth === 1 ? { cutAfter: MIB } : { refuse: true }))
      answers.push(await service.download())
      answers.push(await service.download())
      expect(answers.map(({ status }) => status)).toEqual([200, 206, 206, 412, 404, 502, 200, 503])
      expect(answers.map(({ complete }) => complete)).toEqual([
        true,
        true,
        true,
        true,
        true,
        true,
        false,
        true,
      ])
      const events = [service, absent, lying].flatMap(({ events }) => events.map((event) => ({ ...event })))
      expect(scanner.find([answers, events])).toEqual([])
    })

    test.each([1, 2, 3])('under chaos %d a download is exact, or fails visibly', async (seed) => {
      const chaos = createChaosStore(backend.store, { seed })
      const service = await serve(chaos, {
        key: KEY,
        delivery: { storeSilenceMs: 300, resume: { attempts: 3 } },
      })
      const { status, complete, sha256 } = await service.download()
      expect(chaos.fired.length).toBeGreaterThan(0)
      expect([`200 ${digest} true`, `200 other false`, '502 other true', '503 other true']).toContain(
        `${status} ${sha256 === digest ? digest : 'other'} ${complete}`,
      )
    })

    test('a store that cannot be reached gives 503, and reveals nothing of the store', async () => {
      backend.proxy.setRule(() => ({ refuse: true }))
      backend.proxy.killAll()
      const service = await serve(backend.store, { key: KEY })
      const answer = await service.download()
      expect(answer).toMatchObject({ status: 503 })
      expect(answer.headers['retry-after']).toMatch(/^\d+$/)
      expect(leaksIn([answer, service.events], [...backend.words, '127.0.0.1'])).toEqual([])
    })
  })
})
