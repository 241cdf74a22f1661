import { describe, expect, test } from 'vitest'

import type { ExportRecord } from '../../src/catalogue.ts'
import type { ExportStore, ObjectInfo } from '../../src/ports.ts'
import { objectEtag } from '../../src/steps/plan-delivery.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { counting } from './counting.ts'
import { ask, collect, key, openGuard, until } from './guard.ts'
import { protocols, wire } from './wires.ts'

const size = 500_000
const old = Buffer.from(positionCoded(size))
const fresh = Buffer.from(positionCoded(size, 2))

/** Does something before the nth `get`, from 1. */
const before = (store: ExportStore, nth: (n: number) => Promise<unknown> | undefined): ExportStore => {
  let gets = 0
  return {
    head: (...args) => store.head(...args),
    get: async (...args) => {
      gets += 1
      await nth(gets)
      return store.get(...args)
    },
  }
}

/** The ETag that an answer to HEAD names now. */
const etagOf = async (store: ExportStore): Promise<string> => {
  const { headers } = await openGuard(store).handler.handle(ask({}, { method: 'HEAD' }))
  return headers['ETag'] ?? ''
}

describe('an object that is replaced between head and get', () => {
  test('is described and planned again', async () => {
    const memory = createMemoryStore({ [key]: old })
    const store = counting(before(memory, (n) => (n === 1 ? memory.put(key, fresh) : undefined)))
    const guard = openGuard(store)
    const { status, headers, body } = await guard.handler.handle(ask({ range: 'bytes=100-199' }))
    expect([status, headers['ETag']]).toEqual([206, await etagOf(memory)])
    expect((await collect(body)).equals(fresh.subarray(100, 200))).toBe(true)
    expect([store.heads(), store.gets()]).toEqual([2, 2])
    expect(guard.ended()).toMatchObject([{ outcome: 'completed', attempts: 2 }])
  })

  test.each<[string, (old: string, fresh: string) => Record<string, string>, number]>([
    ['If-Match no longer holds', (old) => ({ 'if-match': old }), 412],
    ['If-None-Match holds now', (_, fresh) => ({ 'if-none-match': fresh }), 304],
    ['If-Range no longer holds', (old) => ({ range: 'bytes=0-9', 'if-range': old }), 200],
    ['If-Range holds now', (_, fresh) => ({ range: 'bytes=0-9', 'if-range': fresh }), 206],
    ['the range is now past the end', () => ({ range: 'bytes=250000-' }), 416],
  ])('and evaluated again: %s', async (_, fields, expected) => {
    const shorter = fresh.subarray(0, expected === 416 ? 200_000 : size)
    const replaced = createMemoryStore({ [key]: old })
    await replaced.put(key, shorter)
    const memory = createMemoryStore({ [key]: old })
    const headers = fields(await etagOf(memory), await etagOf(replaced))
    const { handler } = openGuard(before(memory, (n) => (n === 1 ? memory.put(key, shorter) : undefined)))
    const { status, body } = await handler.handle(ask(headers))
    expect(status).toBe(expected)
    const bytes = await collect(body)
    expect(expected < 300 && !bytes.equals(fresh.subarray(0, bytes.length))).toBe(false)
  })

  test('repeatedly: 503 with Retry-After', async () => {
    const memory = createMemoryStore({ [key]: old })
    const store = counting(before(memory, () => memory.put(key, fresh)))
    const guard = openGuard(store)
    const { status, headers } = await guard.handler.handle(ask({ range: 'bytes=0-9' }))
    expect([status, Number(headers['Retry-After']) >= 5]).toEqual([503, true])
    expect([store.heads(), store.gets(), store.open()]).toEqual([2, 2, 0])
    expect(guard.ended()).toMatchObject([
      { outcome: 'refused', kind: 'object_changed', type: 'request_ended' },
    ])
  })

  test('is noticed even if the store ignores the pin', async () => {
    const memory = createMemoryStore({ [key]: old })
    const deaf: ExportStore = {
      head: (...args) => memory.head(...args),
      get: async (name, { range, borrow }, signal) => {
        await memory.put(key, fresh)
        return memory.get(name, { ...(range && { range }), ...(borrow !== undefined && { borrow }) }, signal)
      },
    }
    const store = counting(deaf)
    const guard = openGuard(store)
    expect((await guard.handler.handle(ask({ range: 'bytes=0-9' }))).status).toBe(503)
    expect(store.open()).toBe(0)
  })
})

describe('a record that pins its object', () => {
  const sha256 = 'ab'.repeat(32)
  const info: ObjectInfo = {
    size,
    validator: 'v-1',
    lastModified: new Date('2026-11-20T10:00:00.5Z'),
    sha256,
  }
  const answer = async (
    object: ExportRecord['object'],
    fields: Record<string, string>,
    method = 'GET',
  ): Promise<{ status: number; retryAfter: string | undefined; troubles: unknown; open: number }> => {
    const store = counting(createMemoryStore({ [key]: old }), () => info)
    const guard = openGuard(store, { record: { ...(object && { object }) } })
    const { status, headers, body } = await guard.handler.handle(ask(fields, { method }))
    await collect(body)
    return { status, retryAfter: headers['Retry-After'], troubles: guard.troubles(), open: store.open() }
  }
  const asked: [string, Record<string, string>, string][] = [
    ['plain', {}, 'GET'],
    ['ranged', { range: 'bytes=0-9' }, 'GET'],
    ['conditional', { 'if-none-match': '"x"' }, 'GET'],
    ['HEAD', {}, 'HEAD'],
  ]
  const wrong: [string, ExportRecord['object']][] = [
    ['size', { size: size - 1 }],
    ['validator', { validator: 'v-2' }],
    ['sha256', { sha256: 'cd'.repeat(32) }],
    ['encoding', { encoding: 'gzip' }],
    ['lastModified', { lastModified: new Date('2026-11-20T10:00:01Z') }],
    ['size, which spares the head', { size: size - 1, validator: 'v-1' }],
    ['validator, which spares the head', { size, validator: 'v-2' }],
  ]

  test.each(wrong.flatMap(([what, object]) => asked.map((request) => [what, object, ...request] as const)))(
    'and whose %s does not match: 502 and no retry, %o, %s',
    async (_, object, __, fields, method) => {
      expect(await answer(object, fields, method)).toMatchObject({
        status: 502,
        retryAfter: undefined,
        troubles: [{ port: 'store', code: 'record_stale' }],
        open: 0,
      })
    },
  )

  test.each(asked)('and matches: served, %s', async (_, fields, method) => {
    const { status, troubles } = await answer(
      { ...info, sha256: sha256.toUpperCase(), lastModified: new Date('2026-11-20T10:00:00Z') },
      fields,
      method,
    )
    expect([status < 300, troubles]).toEqual([true, []])
  })

  test('after the export was replaced: a resume is refused, with and without If-Range', async () => {
    const memory = createMemoryStore({ [key]: old })
    const etag = await etagOf(memory)
    const pinned = await memory.head(key, new AbortController().signal)
    const record = { object: { validator: pinned?.validator ?? '' } }
    const range = 'bytes=250000-'
    const resumed = async (fields: Record<string, string>, more = {}): Promise<number> =>
      (await openGuard(memory, more).handler.handle(ask(fields))).status
    expect(await resumed({ range, 'if-range': etag }, { record })).toBe(206)
    await memory.put(key, fresh)
    expect(await resumed({ range, 'if-range': etag }, { record })).toBe(502)
    expect(await resumed({ range }, { record })).toBe(502)
    // Where nothing pins it, the whole of the new object.
    expect(await resumed({ range, 'if-range': etag })).toBe(200)
  })
})

describe.each(protocols)('an object that is overwritten under a running download, over %s', (protocol) => {
  const replaced: [string, (memory: ReturnType<typeof createMemoryStore>) => Promise<void>][] = [
    ['another of the same size', (memory) => memory.put(key, fresh)],
    ['the same bytes again', (memory) => memory.put(key, old)],
    ['a shorter one', (memory) => memory.put(key, fresh.subarray(0, 10))],
    ['a longer one', (memory) => memory.put(key, Buffer.concat([fresh, fresh]))],
    ['none', (memory) => memory.remove(key)],
  ]
  test.each(replaced)('is cut between two cuts of the store, by %s', async (_, replace) => {
    const memory = createMemoryStore({ [key]: old })
    const faults = [100_000, 300_000].map((atByte) => ({ does: 'cut' as const, atByte }))
    const chaos = createChaosStore(memory, { faults })
    const guard = openGuard(before(chaos, (n) => (n === 3 ? replace(memory) : undefined)))
    const server = await wire(protocol, guard.handler)
    const { status, bytes, broke } = await server.download()
    await until(() => guard.ended().length === 1)
    expect([status, broke]).toEqual([200, protocol === 'http/2' ? 'INTERNAL_ERROR' : 'ECONNRESET'])
    expect(bytes.equals(old.subarray(0, bytes.length))).toBe(true)
    expect(guard.ended()).toMatchObject([
      { outcome: 'object_changed', attempts: 3, bytesSent: 300_000, bytesPromised: size },
    ])
    await server.close()
  })

  test('is cut between two parts of one answer', async () => {
    const memory = createMemoryStore({ [key]: old })
    const changing = before(memory, (n) => (n === 2 ? memory.put(key, fresh) : undefined))
    const guard = openGuard(changing, { delivery: { multipleRanges: true } })
    const server = await wire(protocol, guard.handler)
    const { status, broke, bytes } = await server.download({ range: 'bytes=0-99,1000-1099' })
    await until(() => guard.ended().length === 1)
    expect([status, broke === undefined]).toEqual([206, false])
    expect(bytes.includes(fresh.subarray(1_000, 1_100))).toBe(false)
    expect(guard.ended()).toMatchObject([{ outcome: 'object_changed' }])
    await server.close()
  })
})

describe('the ETag', () => {
  test('has this value in every process and release', () => {
    expect(objectEtag(undefined, '1048576-1763632800000000000')).toBe('"pulWXYfp0WUUS1fw_aUCx9GYW0X"')
    expect(objectEtag(undefined, '1048576-1763632800000000000', 'gzip')).toBe('"Ojr6ukJHK9WWjt87RRymO-md1Nn"')
    expect(objectEtag('ab'.repeat(32), 'v-1')).toBe('"FjF6_j99NcAnE5diHVIGl7FyehK"')
    expect(objectEtag('ab'.repeat(32), 'v-1', 'gzip')).toBe('"Yc34Zk1zZ7EMUvRUUBCw6BsCzHq"')
  })

  test('is derived from the record’s sha256 if there is one, and not from the validator', async () => {
    const sha256 = 'ab'.repeat(32)
    const etag = async (validator: string, recorded: string): Promise<string | undefined> => {
      const store = counting(createMemoryStore({ [key]: old }), (info) => ({ ...info, validator }))
      const { handler } = openGuard(store, { record: { object: { sha256: recorded } } })
      return (await handler.handle(ask({}, { method: 'HEAD' }))).headers['ETag']
    }
    expect(await etag('v-1', sha256)).toBe(objectEtag(sha256, ''))
    expect(await etag('v-2', sha256.toUpperCase())).toBe(objectEtag(sha256, ''))
  })

  test('reveals nothing of the store', async () => {
    const store = counting(createMemoryStore({ [key]: old }), (info) => ({
      ...info,
      validator: '"0x8DC1A2B3C4D5E6F-secret-bucket"',
    }))
    const { headers } = await openGuard(store).handler.handle(ask())
    expect(headers['ETag']).toMatch(/^"[\w-]{27}"$/)
  })
})
