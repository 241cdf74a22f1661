import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'

import type { ContentCoding, ExportStore } from '@sallyport/core'
import { createChaosStore, createMemoryStore, positionCoded, storeContract } from '@sallyport/core/testing'
import { assert, asyncProperty, constant, integer, oneof, record, array, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'

import { createPartsStore, describeParts, type Part } from '../src/parts.ts'
import { openPartsStore } from '../src/parts/store.ts'
import { partsFixture } from './parts/parts-fixture.ts'
import { watchedStore } from './parts/watched-store.ts'
import { endOf, kindOf, reading } from './reading.ts'

const signal = new AbortController().signal
const KIB = 1_024

/** A memory store with parts `p0`, `p1`, … of these contents, and the list of them, each with its validator. */
async function stored(...contents: readonly Uint8Array[]) {
  const names = contents.map((_, nth) => `p${nth}`)
  const memory = createMemoryStore()
  for (const [nth, bytes] of contents.entries()) await memory.put(`p${nth}`, bytes)
  const parts = await Promise.all(
    names.map(async (key): Promise<Part & { size: number }> => {
      const { size = 0, validator } = (await memory.head(key, signal)) ?? {}
      return { key, size, validator }
    }),
  )
  return { memory, parts }
}

const whole = async (store: ExportStore) => endOf(await store.get('a', {}, signal))
const at = <V>(list: readonly V[], nth: number): V => {
  const value = list.at(nth)
  if (value === undefined) throw new Error(`no item ${nth}`)
  return value
}
/** What a call is refused with, and why. */
const refusalOf = async (
  call: Promise<unknown>,
): Promise<{ kind: string; trouble: unknown; cause: string }> => {
  try {
    await call
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const { trouble } = 'data' in error ? (error.data as { trouble?: string }) : {}
    return { kind: kindOf(error), trouble, cause: String((error.cause as Error | undefined)?.message) }
  }
  throw new Error('the call was not refused')
}

describe('keeps the store contract', () => {
  const cases = storeContract(async () => {
    const memory = createMemoryStore()
    return partsFixture({ store: memory, put: memory.put, remove: memory.remove })
  })
  test.each(cases)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('a joined object', () => {
  test('has the bytes of its parts in order, without what is cut', async () => {
    const { memory, parts } = await stored(Buffer.from('id,name\n1,ann\n'), Buffer.from('id,name\n2,bob\n'))
    const list = [at(parts, 0), { ...at(parts, 1), first: 8 }]
    const store = createPartsStore(memory, async () => list)
    expect(await whole(store)).toEqual(reading(Buffer.from('id,name\n1,ann\n2,bob\n')))
  })

  test('is described without the SHA-256 or the date of a part', async () => {
    const { memory, parts } = await stored(positionCoded(10), positionCoded(20))
    const store = createPartsStore(memory, async () => parts)
    const info = await store.head('a', signal)
    expect(info).toEqual(describeParts(parts))
    expect((await store.get('a', {}, signal))?.info).toEqual(info)
  })

  test('has a validator that is equal in every process and release', () => {
    const parts = [
      { key: 'unload/0000_part_00', size: 1_073_741_824, validator: '"9f3"' },
      { key: 'unload/0001_part_00', size: 734_003_200, validator: '"77a"', first: 37 },
    ]
    expect(describeParts(parts)).toEqual({
      size: 1_807_744_987,
      validator: 'parts-95e57bcb26dcbaefd4a7920c961cda1c664ab6678314da8d5a420e0e7029b0c8',
    })
  })

  const one = { key: 'a', size: 10, validator: '"1"' }
  const two = { key: 'b', size: 20, validator: '"2"' }
  test.each<[string, readonly Part[]]>([
    ['another order', [two, one]],
    ['another size', [one, { ...two, size: 21 }]],
    ['another validator', [one, { ...two, validator: '"3"' }]],
    ['another first byte', [one, { ...two, first: 1 }]],
    ['another last byte', [one, { ...two, last: 18 }]],
    ['one more part', [one, two, { key: 'c', size: 0, validator: '"0"' }]],
    ['validators that join to the same text', [{ ...one, validator: '"1"\n20 0 19 3 "2"' }]],
  ])('has another validator with %s', (_, parts) => {
    expect(describeParts(parts).validator).not.toBe(describeParts([one, two]).validator)
  })

  test.each<[string, readonly Part[]]>([
    ['the default cuts are written', [{ ...one, first: 0, last: 9 }, two]],
    ['absence is null', [{ ...one, first: null, last: null }, two]],
    ['the objects were moved', [{ ...one, key: 'elsewhere/a' }, two]],
  ])('has the same validator if %s', (_, parts) => {
    expect(describeParts(parts)).toEqual(describeParts([one, two]))
  })

  test('is missing if there is no list or its first object is gone', async () => {
    const { memory, parts } = await stored(positionCoded(10), positionCoded(20))
    const store = createPartsStore(memory, async (key) => (key === 'a' ? parts : null))
    expect(await store.head('other', signal)).toBeUndefined()
    expect(await store.get('other', {}, signal)).toBeUndefined()
    await memory.remove('p0')
    expect(await store.head('a', signal)).toBeUndefined()
    expect(await store.get('a', {}, signal)).toBeUndefined()
    expect(await store.get('a', { ifMatch: describeParts(parts).validator }, signal)).toBeUndefined()
  })

  test.each([
    ['parts of size 0', [0, 0], {}],
    ['parts that are cut to nothing', [8, 8], { first: 8 }],
    ['parts that end before they begin', [8, 8], { first: 3, last: 2 }],
  ])('of %s is empty, and missing if they are', async (_, sizes, cut) => {
    const { memory, parts } = await stored(...sizes.map((size) => positionCoded(size)))
    const store = createPartsStore(memory, async () => parts.map((part) => Object.assign({}, part, cut)))
    const watched = await store.get('a', {}, signal)
    expect(watched?.info.size).toBe(0)
    expect(await endOf(watched)).toEqual(reading(Buffer.alloc(0)))
    expect((await store.head('a', signal))?.size).toBe(0)
    await memory.remove('p0')
    expect(await store.head('a', signal)).toBeUndefined()
    expect(await store.get('a', {}, signal)).toBeUndefined()
  })

  test('is not opened for parts without bytes', async () => {
    const { memory, parts } = await stored(Buffer.alloc(0), positionCoded(10), Buffer.alloc(0))
    const store = watchedStore(memory)
    expect(await whole(createPartsStore(store, async () => parts))).toEqual(reading(positionCoded(10)))
    expect(store.gets).toEqual([{ key: 'p1', ifMatch: at(parts, 1).validator }])
    expect(store.heads).toEqual([])
  })
})

test('2,000 random ranges of random parts have exactly their bytes, and open only their parts', async () => {
  const bytes = positionCoded(200_000)
  const { memory, parts } = await stored(bytes)
  const [{ size, validator }] = [at(parts, 0)]
  const lengths = array(
    record({
      first: integer({ min: 0, max: size - 1 }),
      length: oneof(constant(0), integer({ min: 1, max: 70_000 })),
    }),
    { minLength: 1, maxLength: 12 },
  ).filter((cuts) => cuts.some(({ length }) => length > 0))
  await assert(
    asyncProperty(lengths, tuple(integer({ min: 0 }), integer({ min: 0 })), async (cuts, [from, to]) => {
      const list = cuts.map(({ first, length }) => ({
        key: 'p0',
        size,
        validator,
        first,
        last: Math.min(size, first + length) - 1,
      }))
      const expected = Buffer.concat(list.map(({ first, last }) => bytes.subarray(first, last + 1)))
      const first = from % expected.length
      const last = first + (to % (expected.length - first))
      const store = watchedStore(memory)
      const object = await createPartsStore(store, async () => list).get(
        'a',
        { range: { first, last } },
        signal,
      )
      expect(object?.info.size).toBe(expected.length)
      expect(await endOf(object)).toEqual(reading(expected.subarray(first, last + 1)))
      let start = 0
      const touched = list.filter((part) => {
        const [begin, end] = [start, start + part.last - part.first]
        start = end + 1
        return begin <= end && begin <= last && end >= first
      })
      expect(store.gets).toHaveLength(touched.length)
      expect(store.open()).toBe(0)
    }),
    { numRuns: 2_000 },
  )
})

describe('10,000 parts', () => {
  const CHUNK = positionCoded(64 * KIB)
  const list = Array.from({ length: 10_000 }, (_, nth) => ({
    key: `part-${nth}`,
    size: CHUNK.length,
    validator: `"${nth}"`,
  }))
  /** A store of objects of 64 KiB that are all the same bytes. */
  const endless: ExportStore = {
    head: async (key) => ({ size: CHUNK.length, validator: `"${key.slice(5)}"` }),
    get: async (key, { range }) => ({
      info: { size: CHUNK.length, validator: `"${key.slice(5)}"` },
      chunks: (async function* () {
        yield CHUNK.subarray(range?.first, range && range.last + 1)
      })(),
      close: () => {},
    }),
  }

  test('are opened one after the other, each once, with no head', async () => {
    const store = watchedStore(endless)
    const object = await createPartsStore(store, async () => list).get('a', {}, signal)
    expect(store.gets).toHaveLength(1)
    let size = 0
    for await (const chunk of object?.chunks ?? []) size += chunk.length
    object?.close()
    expect(size).toBe(10_000 * CHUNK.length)
    expect(store.gets.map(({ key }) => key)).toEqual(list.map(({ key }) => key))
    expect(store.mostOpen()).toBeLessThanOrEqual(5)
    expect({ heads: store.heads.length, open: store.open(), closes: store.closes() }).toEqual({
      heads: 0,
      open: 0,
      closes: 10_000,
    })
  })

  test('a range in the last one opens that one alone', async () => {
    const store = watchedStore(endless)
    const first = 9_999 * CHUNK.length + 5
    const range = { first, last: first + 9 }
    const object = await createPartsStore(store, async () => list).get('a', { range }, signal)
    expect(await endOf(object)).toEqual(reading(CHUNK.subarray(5, 15)))
    expect(store.gets).toEqual([{ key: 'part-9999', range: { first: 5, last: 14 }, ifMatch: '"9999"' }])
    expect(store.heads).toEqual([])
  })

  test('in a frozen list are checked and hashed once, in another one each time', async () => {
    let read = 0
    const counted = (frozen: boolean) => {
      const parts = [
        {
          ...at(list, 0),
          get size() {
            read += 1
            return CHUNK.length
          },
        },
      ]
      return frozen ? Object.freeze(parts) : parts
    }
    for (const [frozen, times] of [
      [true, 1],
      [false, 3],
    ] as const) {
      read = 0
      const kept = counted(frozen)
      const store = createPartsStore(endless, async () => kept)
      for (let nth = 0; nth < 3; nth++) (await store.get('a', {}, signal))?.close()
      expect(read).toBe(times)
    }
  })

  test('head asks for one', async () => {
    const store = watchedStore(endless)
    await createPartsStore(store, async () => list).head('a', signal)
    expect(store.heads).toEqual(['part-0'])
  })
})

describe('parts without a validator', () => {
  const unpinned = (parts: readonly Part[]) => parts.map(({ key, size }) => ({ key, size }))

  test('are described before anything is opened, at most 8 at a time', async () => {
    const { memory, parts } = await stored(...Array.from({ length: 30 }, (_, nth) => positionCoded(100, nth)))
    const store = watchedStore(memory)
    const list = parts.map((part, nth) => (nth % 10 === 0 ? part : { key: part.key, size: part.size }))
    const object = await createPartsStore(store, async () => list).get('a', {}, signal)
    expect(store.heads).toHaveLength(27)
    expect(store.mostHeads()).toBe(8)
    expect(object?.info).toEqual(describeParts(parts))
    object?.close()
  })

  test('are missing if one is gone, and changed if one has another size', async () => {
    const { memory, parts } = await stored(...Array.from({ length: 30 }, (_, nth) => positionCoded(100, nth)))
    const store = createPartsStore(memory, async () => unpinned(parts))
    await memory.put('p17', positionCoded(101))
    expect(await refusalOf(store.get('a', {}, signal))).toEqual({
      kind: 'object_changed',
      trouble: 'object_changed',
      cause: "the part 'p17' must have 100 bytes; its object has 101",
    })
    await memory.remove('p17')
    expect(await store.get('a', {}, signal)).toBeUndefined()
    expect(await store.head('a', signal)).toBeUndefined()
  })

  test('stop with the first failure', async () => {
    const { memory, parts } = await stored(...Array.from({ length: 100 }, (_, nth) => positionCoded(1, nth)))
    const store = watchedStore(memory)
    const failing: ExportStore = {
      ...store,
      head: (key, own) => (key === 'p3' ? Promise.reject(new Error('down')) : store.head(key, own)),
    }
    await expect(createPartsStore(failing, async () => unpinned(parts)).get('a', {}, signal)).rejects.toThrow(
      'down',
    )
    await new Promise((resolve) => setImmediate(resolve))
    expect(store.heads.length).toBeLessThanOrEqual(16)
  })

  test('are pinned from then on', async () => {
    const { memory, parts } = await stored(positionCoded(100), positionCoded(100))
    const store = createPartsStore(memory, async () => unpinned(parts))
    const object = await store.get('a', {}, signal)
    await memory.put('p1', positionCoded(100, 2))
    expect(await endOf(object)).toEqual(reading(positionCoded(100), 'object_changed'))
  })
})

describe('an object that is not the one of the list', () => {
  test('is object_changed, before the head and later', async () => {
    const { memory, parts } = await stored(positionCoded(100), positionCoded(100))
    const store = createPartsStore(memory, async () => parts)
    const begun = await store.get('a', {}, signal)
    await memory.put('p1', positionCoded(100, 2))
    expect(await endOf(begun)).toEqual(reading(positionCoded(100), 'object_changed'))
    await memory.put('p0', positionCoded(100, 2))
    expect(await refusalOf(store.get('a', {}, signal))).toMatchObject({
      kind: 'object_changed',
      cause: "the object of the part 'p0' has another validator, or was deleted",
    })
    const refused = await refusalOf(store.head('a', signal))
    expect(refused).toMatchObject({ kind: 'object_changed', trouble: 'object_changed' })
    expect(refused.cause).toMatch(/^the part 'p0' must have the validator /)
  })

  test('is a cut if it is gone when its turn comes', async () => {
    const { memory, parts } = await stored(positionCoded(100), positionCoded(100))
    const begun = await createPartsStore(memory, async () => parts).get('a', {}, signal)
    await memory.remove('p1')
    expect(await endOf(begun)).toEqual(reading(positionCoded(100), 'object_changed'))
  })

  test('but has its validator makes the list wrong', async () => {
    const { memory, parts } = await stored(positionCoded(100), positionCoded(100))
    const store = createPartsStore(memory, async () =>
      parts.map(({ key, validator }) => ({ key, validator, size: 90 })),
    )
    expect(await refusalOf(store.get('a', {}, signal))).toEqual({
      kind: 'upstream_error',
      trouble: 'record_stale',
      cause: "the part 'p0' must have 90 bytes; its object has 100",
    })
  })

  test('another list is object_changed for a pin', async () => {
    const { memory, parts } = await stored(positionCoded(100), positionCoded(100, 2))
    const { validator } = describeParts(parts)
    const store = createPartsStore(memory, async () => parts.toReversed())
    const range = { first: 500, last: 900 }
    expect(await refusalOf(store.get('a', { ifMatch: validator, range }, signal))).toMatchObject({
      kind: 'object_changed',
    })
  })
})

describe('a list of the host', () => {
  const part = { key: 'p0', size: 10, validator: '"v"' }
  test.each<[unknown, string]>([
    ['p0', 'listParts: must be a list of parts; got a value of the type string'],
    [[], 'listParts: must have at least one part. An empty export is one part of size 0'],
    [[part, 'p1'], 'listParts: part 1: must be an object; got a value of the type string'],
    [[part, null], 'listParts: part 1: must be an object; got null'],
    [[{ size: 10 }], 'listParts: part 0: key is empty or not a string'],
    [[{ ...part, key: '' }], 'listParts: part 0: key is empty or not a string'],
    [[{ ...part, key: 'a\0' }], 'listParts: part 0: key has a NUL'],
    [
      [{ ...part, key: 'a/../b' }],
      "listParts: part 0: key has a segment '.' or '..' (stores of objects take such keys with the option keys: 'literal')",
    ],
    [[{ key: 'a' }], 'listParts: part 0: size must be a whole number of bytes; got nothing'],
    [
      [{ ...part, size: '10' }],
      'listParts: part 0: size must be a whole number of bytes; got a value of the type string',
    ],
    [[{ ...part, size: -1 }], 'listParts: part 0: size must be a whole number of bytes; got -1'],
    [[{ ...part, size: 1.5 }], 'listParts: part 0: size must be a whole number of bytes; got 1.5'],
    [
      [{ ...part, validator: '' }],
      'listParts: part 0: validator must be a string that is not empty; got an empty string',
    ],
    [[{ ...part, validator: 5 }], 'listParts: part 0: validator must be a string that is not empty; got 5'],
    [[{ ...part, first: 11 }], 'listParts: part 0: first must be a whole number from 0 to size (10); got 11'],
    [[{ ...part, first: -1 }], 'listParts: part 0: first must be a whole number from 0 to size (10); got -1'],
    [
      [{ ...part, last: 10 }],
      'listParts: part 0: last must be a whole number from first - 1 (-1) to size - 1 (9); got 10',
    ],
    [
      [{ ...part, first: 5, last: 3 }],
      'listParts: part 0: last must be a whole number from first - 1 (4) to size - 1 (9); got 3',
    ],
    [
      [{ ...part, size: 0, last: 0 }],
      'listParts: part 0: last must be a whole number from first - 1 (-1) to size - 1 (-1); got 0',
    ],
    [
      [{ ...part, frist: 3 }],
      'listParts: part 0: frist is not a member; must be one of key, size, validator, first, last',
    ],
    [
      Array.from({ length: 3 }, () => ({ ...part, size: 2 ** 52 })),
      'listParts: the parts together have too many bytes',
    ],
    [Array.from({ length: 100_001 }, () => part), 'listParts: must have at most 100000 parts; got 100001'],
  ])('wrong list %# is refused', async (list, cause) => {
    const store = createPartsStore(createMemoryStore(), async () => list as readonly Part[])
    const refusal = { kind: 'upstream_error', trouble: 'record_malformed', cause }
    expect(await refusalOf(store.get('a', {}, signal))).toEqual(refusal)
    expect(await refusalOf(store.head('a', signal))).toEqual(refusal)
  })

  test('is not asked for with a key that no store takes', async () => {
    const asked: string[] = []
    const store = createPartsStore(createMemoryStore(), async (key) => void asked.push(key))
    expect(await refusalOf(store.get('../a', {}, signal))).toMatchObject({ kind: 'upstream_error' })
    expect(await refusalOf(store.head('a\0', signal))).toMatchObject({ kind: 'upstream_error' })
    expect(asked).toEqual([])
  })

  test('that cannot be read is a fault of the store, with its cause', async () => {
    const store = createPartsStore(createMemoryStore(), async () => Promise.reject(new Error('no database')))
    await expect(store.get('a', {}, signal)).rejects.toThrow('no database')
  })

  test.each<[string, unknown, string]>([
    ['malformed', [{ key: 'a' }], 'describeParts: part 0: size must be a whole number of bytes; got nothing'],
    ['unpinned', [{ key: 'a', size: 1 }], 'describeParts: every part must have a validator'],
  ])('is not described if it is %s', (_, list, message) => {
    expect(() => describeParts(list as readonly Part[])).toThrow(new TypeError(message))
  })
})

describe('the next part', () => {
  const MIB = KIB * KIB

  /** Reads at a given speed, by a clock that moves with the bytes, and tells where the second part was opened. */
  async function openedAt(bytesPerMs: number, aheadMs: number): Promise<number> {
    const { memory, parts } = await stored(positionCoded(4 * MIB), positionCoded(4 * MIB, 2))
    const store = watchedStore(memory)
    let now = 0
    const options = { keys: 'strict', encodedParts: 'refuse', aheadMs, now: () => now } as const
    const object = await openPartsStore(store, async () => parts, options).get('a', {}, signal)
    let taken = 0
    let opened = -1
    let readTooEarly = false
    for await (const chunk of object?.chunks ?? []) {
      if (opened < 0 && store.gets.length > 1) opened = taken
      readTooEarly ||= opened >= 0 && taken < 4 * MIB - chunk.length && store.read('p1') > 0
      taken += chunk.length
      now += chunk.length / bytesPerMs
    }
    object?.close()
    expect({ mostOpen: store.mostOpen(), readTooEarly }).toEqual({ mostOpen: 2, readTooEarly: false })
    return opened
  }

  test('is opened so long before the current one ends, and not read', async () => {
    const chunk = 64 * KIB
    const perMs = 1_000
    const opened = await openedAt(perMs, 1_000)
    expect(4 * MIB - opened).toBeGreaterThanOrEqual(1_000 * perMs - chunk)
    expect(4 * MIB - opened).toBeLessThanOrEqual(1_000 * perMs + 2 * chunk)
  })

  test('of a slow reader is opened with the last chunk', async () => {
    expect(await openedAt(1, 1_000)).toBe(4 * MIB - 64 * KIB)
  })

  test('of a fast reader is opened soon', async () => {
    expect(await openedAt(100_000, 1_000)).toBeLessThanOrEqual(0.1 * 4 * MIB)
  })

  test('is opened in its turn if opening it ahead failed', async () => {
    const { memory, parts } = await stored(positionCoded(MIB), positionCoded(MIB, 2))
    let failures = 1
    const store = watchedStore({
      ...memory,
      get: (key, options, own) =>
        key === 'p1' && failures-- > 0 ? Promise.reject(new Error('busy')) : memory.get(key, options, own),
    })
    const bytes = Buffer.concat([positionCoded(MIB), positionCoded(MIB, 2)])
    expect(await whole(createPartsStore(store, async () => parts))).toEqual(reading(bytes))
    expect(store.gets.map(({ key }) => key)).toEqual(['p0', 'p1', 'p1'])
  })

  test('is closed by close: open, being opened, and too late', async () => {
    const { memory, parts } = await stored(positionCoded(MIB), positionCoded(MIB, 2))
    for (const turns of [0, 1, 2, 3, 5, 20]) {
      const store = watchedStore(memory)
      const slow: ExportStore = {
        ...store,
        get: async (key, options, own) => {
          const turns = key === 'p1' ? 3 : 0
          for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
          return store.get(key, options, own)
        },
      }
      const object = await createPartsStore(slow, async () => parts).get('a', {}, signal)
      const chunks = object?.chunks[Symbol.asyncIterator]()
      for (let nth = 0; nth < 8; nth++) await chunks?.next()
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      object?.close()
      object?.close()
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
      expect(store.open()).toBe(0)
      expect(await chunks?.next().catch(kindOf)).toBe('unavailable')
    }
  })

  test('that hangs is let go by close, and the pending read settles with a refusal', async () => {
    const { memory, parts } = await stored(positionCoded(10), positionCoded(10))
    const signals: AbortSignal[] = []
    const hanging: ExportStore = {
      ...memory,
      get: (key, options, own) => {
        if (key !== 'p1') return memory.get(key, options, own)
        signals.push(own)
        return new Promise(() => {})
      },
    }
    const object = await createPartsStore(hanging, async () => parts).get('a', {}, signal)
    const chunks = object?.chunks[Symbol.asyncIterator]()
    await chunks?.next()
    const pending = chunks?.next().catch(kindOf)
    await new Promise((resolve) => setImmediate(resolve))
    object?.close()
    expect(await pending).toBe('unavailable')
    expect(signals.map(({ aborted }) => aborted)).toEqual(signals.map(() => true))
  })
})

describe('a fault of the store', () => {
  const contents = [positionCoded(100_000, 1), positionCoded(70_000, 2), positionCoded(90_000, 3)]
  const bytes = Buffer.concat(contents)

  test.each([
    ['in a part', { does: 'cut', atByte: 40_000 }, 40_000, 'unavailable'],
    ['at the end of a part', { does: 'cut', atByte: 100_000 }, 100_000, 'unavailable'],
    ['that ends a part early', { does: 'short', atByte: 40_000 }, 40_000, 'unavailable'],
    ['that changes a part', { does: 'change', atByte: 40_000 }, 40_000, 'unavailable'],
    ['that lengthens a part', { does: 'overrun', atByte: 100_000 }, 100_000, 'upstream_error'],
  ] as const)('%s comes after exactly the bytes before it', async (_, fault, size, end) => {
    const { memory, parts } = await stored(...contents)
    const store = createPartsStore(createChaosStore(memory, { faults: [fault] }), async () => parts)
    expect(await whole(store)).toEqual(reading(bytes.subarray(0, size), end))
  })

  test('in a later part is found exactly there', async () => {
    const { memory, parts } = await stored(...contents)
    const store: ExportStore = {
      ...memory,
      get: async (key, options, own) => {
        const faulty = createChaosStore(memory, {
          faults: key === 'p1' ? [{ does: 'cut', atByte: 5_000 }] : [],
        })
        return faulty.get(key, options, own)
      },
    }
    expect(await whole(createPartsStore(store, async () => parts))).toEqual(
      reading(bytes.subarray(0, 105_000), 'unavailable'),
    )
  })
})

describe('parts with a content coding', () => {
  const halves = [Buffer.from('one\n'), Buffer.from('two\n')].map((text) => gzipSync(text))
  const coded = (
    store: ExportStore,
    codings: Readonly<Record<string, ContentCoding | undefined>>,
  ): ExportStore => ({
    head: async (key, own) => {
      const info = await store.head(key, own)
      const encoding = codings[key]
      return info && { ...info, ...(encoding && { encoding }) }
    },
    get: async (key, options, own) => {
      const object = await store.get(key, options, own)
      const encoding = codings[key]
      return object && { ...object, info: { ...object.info, ...(encoding && { encoding }) } }
    },
  })
  const open = async (codings: Readonly<Record<string, ContentCoding>>, options = {}, cut = {}) => {
    const { memory, parts } = await stored(...halves, Buffer.alloc(0))
    const list = [{ ...at(parts, 0), ...cut }, ...parts.slice(1)]
    return createPartsStore(coded(memory, codings), async () => list, options)
  }
  const gzip = { p0: 'gzip', p1: 'gzip' } as const

  test('are refused, because most clients decode the first one only', async () => {
    const store = await open(gzip)
    const refusal = {
      kind: 'upstream_error',
      trouble: undefined,
      cause:
        "the part 'p0' is stored with the content coding gzip. Most clients decode the first part only, so set encodedParts: 'file'",
    }
    expect(await refusalOf(store.get('a', {}, signal))).toEqual(refusal)
    expect(await refusalOf(store.head('a', signal))).toEqual(refusal)
  })

  test("are a file of valid gzip with encodedParts: 'file'", async () => {
    const store = await open(gzip, { encodedParts: 'file' })
    const object = await store.get('a', {}, signal)
    expect(object?.info.encoding).toBeUndefined()
    const chunks: Uint8Array[] = []
    for await (const chunk of object?.chunks ?? []) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    object?.close()
    expect(gunzipSync(bytes).toString()).toBe('one\ntwo\n')
  })

  test.each<[string, Readonly<Record<string, ContentCoding>>, string]>([
    ['mixed', { p1: 'gzip' }, 'upstream_error'],
    ['mixed', { p0: 'gzip' }, 'upstream_error'],
    ['mixed', { p0: 'gzip', p1: 'zstd' }, 'upstream_error'],
  ])('are cut if they are %s', async (_, codings, end) => {
    const store = await open(codings, { encodedParts: 'file' })
    expect((await whole(store)).end).toBe(end)
  })

  test('are refused if they are brotli, or cut', async () => {
    const brotli = await open({ p0: 'br', p1: 'br' }, { encodedParts: 'file' })
    expect(await refusalOf(brotli.get('a', {}, signal))).toMatchObject({
      cause: "the part 'p0' is stored with the content coding br, and brotli cannot be joined",
    })
    const cut = await open(gzip, { encodedParts: 'file' }, { first: 1 })
    expect(await refusalOf(cut.get('a', {}, signal))).toMatchObject({
      cause: "the part 'p0' is stored with the content coding gzip, so it cannot be cut",
    })
  })

  test('keep their coding if only one part has bytes', async () => {
    const { memory, parts } = await stored(Buffer.alloc(0), at(halves, 0))
    const store = createPartsStore(coded(memory, { p1: 'gzip' }), async () => parts)
    expect((await store.head('a', signal))?.encoding).toBe('gzip')
    const object = await store.get('a', {}, signal)
    expect(object?.info.encoding).toBe('gzip')
    object?.close()
  })
})

test('the connections of a download are five times those of the wrapped store, and its troubles are passed on', () => {
  const pool = { size: () => 50 }
  const onTrouble = (): void => {}
  const inner = { ...createMemoryStore(), connections: { pool, perDownload: 3 }, onTrouble }
  const store = createPartsStore(inner, async () => [])
  expect(store.connections).toEqual({ pool, perDownload: 15 })
  expect(store.connections?.pool).toBe(pool)
  expect(store.onTrouble).toBe(onTrouble)
  expect(createPartsStore(createMemoryStore(), async () => [])).not.toHaveProperty('connections')
})

test('the bytes of 300 random objects, in random parts, have the right SHA-256', async () => {
  await assert(
    asyncProperty(array(integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 8 }), async (sizes) => {
      const contents = sizes.map((size, nth) => positionCoded(size, nth))
      const { memory, parts } = await stored(...contents)
      const object = await createPartsStore(memory, async () => parts).get('a', { borrow: true }, signal)
      const hash = createHash('sha256')
      for await (const chunk of object?.chunks ?? []) hash.update(chunk)
      object?.close()
      expect(hash.digest('hex')).toBe(reading(Buffer.concat(contents)).sha256)
    }),
    { numRuns: 300 },
  )
})
