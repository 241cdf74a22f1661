import type { ExportStore, GetOptions, OpenObject } from '@sallyport/core'
import { createChaosStore, createMemoryStore, positionCoded, storeContract } from '@sallyport/core/testing'
import { describe, expect, test } from 'vitest'

import { createMemoryBudget } from '../src/memory-budget.ts'
import { createReadAheadStore } from '../src/read-ahead.ts'
import { readAhead } from '../src/read-ahead/store.ts'
import { endOf, kindOf, reading } from './reading.ts'

const PART = 100_000
const SIZE = 1_048_583
const options = { parts: 4, partBytes: PART }
const signal = new AbortController().signal

/** Keeps what was asked, and how far each answer was read. */
function watched(store: ExportStore) {
  const asked: GetOptions[] = []
  let fetched = 0
  let open = 0
  const watch = (object: OpenObject): OpenObject => {
    open += 1
    let closed = false
    return {
      info: object.info,
      chunks: (async function* () {
        for await (const chunk of object.chunks) {
          fetched += chunk.length
          yield chunk
        }
      })(),
      close: () => {
        if (!closed) open -= 1
        closed = true
        object.close()
      },
    }
  }
  return {
    asked,
    fetched: () => fetched,
    open: () => open,
    head: (key: string, signal: AbortSignal) => store.head(key, signal),
    get: async (key: string, options: GetOptions, signal: AbortSignal) => {
      asked.push(options)
      const object = await store.get(key, options, signal)
      return object && watch(object)
    },
  }
}

const budget = () => createMemoryBudget(268_435_456)
const whole = async (store: ExportStore, options: GetOptions = {}) =>
  endOf(await store.get('a', options, signal))

describe('keeps the store contract', () => {
  const cases = storeContract(async () => {
    const memory = createMemoryStore()
    return { store: readAhead(memory, options, budget()), put: memory.put, remove: memory.remove }
  })
  test.each(cases)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('asks', () => {
  test('once, with the same options, if the object fits into one part', async () => {
    const store = watched(createMemoryStore({ a: positionCoded(PART) }))
    expect(await whole(readAhead(store, options, budget()))).toEqual(reading(positionCoded(PART)))
    expect(store.asked).toEqual([{}])
  })

  test('once for an empty object', async () => {
    const store = watched(createMemoryStore({ a: '' }))
    expect(await whole(readAhead(store, options, budget()))).toEqual(reading(Buffer.alloc(0)))
    expect(store.asked).toEqual([{}])
  })

  test('once for a range that fits into one part', async () => {
    const store = watched(createMemoryStore({ a: positionCoded(SIZE) }))
    const range = { first: 5, last: PART + 4 }
    await whole(readAhead(store, options, budget()), { range, borrow: true })
    expect(store.asked).toEqual([{ range }])
  })

  test('for adjacent parts without overlap, pinned by the first one', async () => {
    const store = watched(createMemoryStore({ a: positionCoded(SIZE) }))
    const info = await store.head('a', signal)
    const seen = await whole(readAhead(store, options, budget()), { range: { first: 7, last: 350_006 } })
    expect(seen).toEqual(reading(positionCoded(SIZE).subarray(7, 350_007)))
    const ifMatch = info?.validator
    expect(store.asked).toEqual([
      { range: { first: 7, last: 100_006 } },
      { range: { first: 100_007, last: 200_006 }, ifMatch },
      { range: { first: 200_007, last: 300_006 }, ifMatch },
      { range: { first: 300_007, last: 350_006 }, ifMatch },
    ])
    expect(store.open()).toBe(0)
  })

  test('for at most parts × partBytes ahead of a stalled reader', async () => {
    const store = watched(createMemoryStore({ a: positionCoded(SIZE) }))
    const object = await readAhead(store, options, budget()).get('a', {}, signal)
    const chunks = object?.chunks[Symbol.asyncIterator]()
    let delivered = 0
    for (let step = await chunks?.next(); step?.done === false; step = await chunks?.next()) {
      delivered += step.value.length
      await settled(store)
      expect(store.fetched()).toBeLessThanOrEqual(delivered + options.parts * PART)
    }
    expect(delivered).toBe(SIZE)
  })
})

/** Until nothing is fetched any more, for want of a reader. */
async function settled(store: { fetched(): number }): Promise<void> {
  for (let calm = 0, last = -1; calm < 5; last = store.fetched()) {
    await new Promise((resolve) => setImmediate(resolve))
    calm = store.fetched() === last ? calm + 1 : 0
  }
}

describe('releases', () => {
  test('every part when it is closed', async () => {
    const store = watched(createMemoryStore({ a: positionCoded(SIZE) }))
    const object = await readAhead(store, options, budget()).get('a', {}, signal)
    await object?.chunks[Symbol.asyncIterator]().next()
    await settled(store)
    object?.close()
    object?.close()
    await settled(store)
    expect(store.open()).toBe(0)
    expect(store.asked).toHaveLength(4)
  })

  test('its memory, however a download ends', async () => {
    const shared = createMemoryBudget(4 * PART)
    const memory = createMemoryStore({ a: positionCoded(SIZE) })
    const store = readAhead(memory, options, shared)
    const early = await store.get('a', {}, signal)
    await early?.chunks[Symbol.asyncIterator]().next()
    early?.close()
    const unread = await store.get('a', {}, signal)
    unread?.close()
    await whole(store)
    await store.get('missing', {}, signal)
    await store.get('a', { ifMatch: 'another' }, signal).catch(kindOf)
    const cut = createChaosStore(memory, { faults: [{ does: 'cut', atByte: 250_000 }] })
    await whole(readAhead(cut, options, shared))
    expect(shared.reserve(4 * PART)).toBe(true)
  })
})

test('with the budget used up, downloads are exact, with one request at a time', async () => {
  const store = watched(createMemoryStore({ a: positionCoded(SIZE) }))
  const spent = createMemoryBudget(PART)
  const ahead = readAhead(store, options, spent)
  const first = await ahead.get('a', {}, signal)
  const seen = await Promise.all([endOf(first), whole(ahead)])
  expect(seen).toEqual([reading(positionCoded(SIZE)), reading(positionCoded(SIZE))])
  expect(spent.reserve(PART)).toBe(true)
})

describe('a part that fails', () => {
  test.each([30_000, 75_000, 120_000, 300_000, 1_048_582])(
    'at byte %d throws after every byte before it',
    async (atByte) => {
      const memory = createMemoryStore({ a: positionCoded(SIZE) })
      const store = readAhead(
        createChaosStore(memory, { faults: [{ does: 'cut', atByte }] }),
        options,
        budget(),
      )
      expect(await whole(store)).toEqual(reading(positionCoded(SIZE).subarray(0, atByte), 'unavailable'))
    },
  )

  test('by ending early is not followed by the next part', async () => {
    const memory = createMemoryStore({ a: positionCoded(SIZE) })
    const store = readAhead(
      createChaosStore(memory, { faults: [{ does: 'short', atByte: 150_000 }] }),
      options,
      budget(),
    )
    expect(await whole(store)).toEqual(reading(positionCoded(SIZE).subarray(0, 150_000), 'unavailable'))
  })

  test('because it is of another object ends the download', async () => {
    const memory = createMemoryStore({ a: positionCoded(SIZE, 1) })
    const object = await readAhead(memory, { parts: 2, partBytes: PART }, budget()).get('a', {}, signal)
    await object?.chunks[Symbol.asyncIterator]().next()
    await memory.put('a', positionCoded(SIZE, 2))
    const { size, end } = await endOf(object)
    expect(end).toBe('object_changed')
    expect(size).toBeLessThan(3 * PART)
  })
})

test.each([{ parts: 0 }, { parts: 65 }, { parts: 1.5 }, { partBytes: 0 }, { partBytes: 268_435_457 }])(
  'refuses %o',
  (options) => {
    expect(() => createReadAheadStore(createMemoryStore(), options)).toThrow(Object.keys(options)[0])
  },
)

test.each([1, 2, 7, 64])('with %d parts the bytes are exact', async (parts) => {
  const store = createMemoryStore({ a: positionCoded(SIZE) })
  expect(await whole(readAhead(store, { parts, partBytes: PART }, budget()))).toEqual(
    reading(positionCoded(SIZE)),
  )
})
