import { describe, expect, test } from 'vitest'

import type { GetOptions, OpenObject } from '../../src/ports.ts'
import { refusalDetail } from '../../src/refusals.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import type { Fault } from '../../src/testing/fault.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { storeContract } from '../../src/testing/store-contract.ts'

const SIZE = 200_000
const bytes = positionCoded(SIZE)
const signal = new AbortController().signal
const chaotic = (...faults: readonly Fault[]) => createChaosStore(createMemoryStore({ a: bytes }), { faults })

interface Read {
  readonly seen: Uint8Array
  /** 'end': it ended well. Else the kind of the refusal, or 'foreign'. */
  readonly end: string
}

async function readAll(object: OpenObject | undefined): Promise<Read> {
  const copies: Uint8Array[] = []
  let end = 'end'
  try {
    for await (const chunk of object?.chunks ?? []) copies.push(Uint8Array.from(chunk))
  } catch (error) {
    end = refusalDetail(error)?.kind ?? 'foreign'
  }
  object?.close()
  return { seen: Buffer.concat(copies), end }
}

const readFrom = async (store: ReturnType<typeof chaotic>, options: GetOptions = {}): Promise<Read> =>
  readAll(await store.get('a', options, signal))

describe('without faults it keeps the store contract', () => {
  const cases = storeContract(async () => {
    const memory = createMemoryStore()
    const store = createChaosStore(memory, { faults: [] })
    return { store, put: (key, content) => memory.put(key, content), remove: (key) => memory.remove(key) }
  })
  test.each(cases)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('each fault', () => {
  const table: readonly (readonly [Fault['does'], string])[] = [
    ['cut', 'unavailable'],
    ['throw', 'foreign'],
    ['change', 'unavailable'],
    ['short', 'end'],
  ]
  test.each(table)('%s delivers exactly the bytes before it', async (does, end) => {
    const store = chaotic({ does, atByte: 70_001 })
    expect(await readFrom(store)).toEqual({ seen: Buffer.from(bytes.subarray(0, 70_001)), end })
    expect(store.fired).toEqual([{ does, atByte: 70_001 }])
  })

  test.each(table)('%s happens once, or as often as configured', async (does, end) => {
    const store = chaotic({ does, atByte: 0, times: 2 })
    const ends = [await readFrom(store), await readFrom(store), await readFrom(store)]
    expect(ends.map((read) => [read.seen.length, read.end])).toEqual([
      [0, end],
      [0, end],
      [SIZE, 'end'],
    ])
    expect(store.fired).toHaveLength(2)
  })

  test('overrun gives the asked bytes and 1,000 more', async () => {
    const store = chaotic({ does: 'overrun', atByte: 10 })
    const { seen, end } = await readFrom(store, { range: { first: 5, last: 99_999 } })
    expect([seen.length, end, store.fired.length]).toEqual([99_995 + 1_000, 'end', 1])
    expect(seen.subarray(0, 99_995)).toEqual(Buffer.from(bytes.subarray(5, 100_000)))
  })

  test('slow delivers everything, later', async () => {
    const store = chaotic({ does: 'slow', atByte: 100 })
    const started = performance.now()
    expect(await readFrom(store)).toEqual({ seen: Buffer.from(bytes), end: 'end' })
    expect(performance.now() - started).toBeGreaterThan(45)
  })

  test.each(['stall', 'slow'] as const)('a read that waits in %s settles on close', async (does) => {
    const store = chaotic({ does, atByte: 0 })
    const object = await store.get('a', {}, signal)
    const pending = object?.chunks[Symbol.asyncIterator]().next()
    const settled = pending?.catch((error: unknown) => error)
    object?.close()
    expect(await settled).toHaveProperty('message', 'unavailable')
    expect(store.fired).toHaveLength(1)
  })

  test.each(['stall', 'slow'] as const)('a read that meets %s after close does not wait', async (does) => {
    const object = await chaotic({ does, atByte: 0 }).get('a', {}, signal)
    object?.close()
    await expect(object?.chunks[Symbol.asyncIterator]().next()).rejects.toThrow('unavailable')
  })

  test('change: head, get and pins see another object from then on', async () => {
    const store = chaotic({ does: 'change', atByte: 1 })
    const before = await store.head('a', signal)
    const pin = { ifMatch: before?.validator ?? '' }
    expect((await readFrom(store, pin)).end).toBe('unavailable')
    const after = await store.head('a', signal)
    expect(after?.validator).not.toBe(before?.validator)
    await expect(store.get('a', pin, signal)).rejects.toThrow('object_changed')
    expect((await readFrom(store, { ifMatch: after?.validator ?? '' })).seen).toHaveLength(SIZE)
  })

  test('the error of throw names secrets', async () => {
    const object = await chaotic({ does: 'throw', atByte: 0 }).get('a', {}, signal)
    await expect(object?.chunks[Symbol.asyncIterator]().next()).rejects.toThrow(
      /chaos-secret-bucket.*chaos\/secret\+signature/,
    )
  })
})

describe('which reads meet a fault', () => {
  test.each([
    ['begins at it', { first: 100, last: 200 }, 1],
    ['holds it', { first: 99, last: 200 }, 1],
    ['ends before it', { first: 0, last: 99 }, 1],
    ['ends two bytes before it', { first: 0, last: 98 }, 0],
    ['begins after it', { first: 101, last: 200 }, 0],
  ])('a range that %s', async (_, range, times) => {
    const store = chaotic({ does: 'cut', atByte: 100 })
    await readFrom(store, { range })
    expect(store.fired).toHaveLength(times)
  })

  test('short is not met by a range that ends there anyway', async () => {
    const store = chaotic({ does: 'short', atByte: 100 })
    await readFrom(store, { range: { first: 0, last: 99 } })
    expect(store.fired).toEqual([])
  })

  test('several happen in the order of their places, not of the list', async () => {
    const store = chaotic({ does: 'cut', atByte: 20 }, { does: 'slow', atByte: 10 })
    expect((await readFrom(store)).seen).toHaveLength(20)
    expect(store.fired.map((fault) => fault.does)).toEqual(['slow', 'cut'])
  })

  test('borrowed chunks stay valid until the next one is requested, also when they are split', async () => {
    const store = chaotic(
      ...[1, 500, 65_536, 65_537, 70_000].map((atByte) => ({ does: 'slow' as const, atByte })),
    )
    expect((await readFrom(store, { borrow: true })).seen).toEqual(Buffer.from(bytes))
    expect(store.fired).toHaveLength(5)
  })
})

describe('by seed', () => {
  const run = async (seed: number, key: string): Promise<readonly Fault[]> => {
    const store = createChaosStore(createMemoryStore({ [key]: bytes }), { seed })
    for (let nth = 0; nth < 30; nth++) {
      const object = await store.get(key, {}, signal)
      const closing = setTimeout(() => object?.close(), 5)
      await readAll(object)
      clearTimeout(closing)
    }
    return store.fired
  }

  test('the same seed, key and size give the same faults', async () => {
    expect(await run(7, 'a')).toEqual(await run(7, 'a'))
  })

  test('another seed or key gives other faults', async () => {
    const seen = new Set(
      [await run(7, 'a'), await run(8, 'a'), await run(7, 'b')].map((fired) => JSON.stringify(fired)),
    )
    expect(seen.size).toBe(3)
  })

  test('every kind comes up', async () => {
    const kinds = new Set<string>()
    for (let seed = 0; seed < 40; seed++) for (const { does } of await run(seed, 'a')) kinds.add(does)
    expect([...kinds].toSorted()).toEqual(['change', 'cut', 'overrun', 'short', 'slow', 'stall', 'throw'])
  })
})
