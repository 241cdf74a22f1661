import { posix } from 'node:path'

import { describe, expect, test } from 'vitest'

import type { ExportStore, GetOptions, OpenObject } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { storeContract } from '../../src/testing/store-contract.ts'

type Memory = ReturnType<typeof createMemoryStore>

/** A fixture whose store is broken in one way. */
const spoilt = (spoil: (memory: Memory) => Partial<ExportStore>) => async () => {
  const memory = createMemoryStore()
  const store: ExportStore = {
    head: (key, signal) => memory.head(key, signal),
    get: (key, options, signal) => memory.get(key, options, signal),
    ...spoil(memory),
  }
  return {
    store,
    put: (key: string, bytes: Uint8Array) => memory.put(key, bytes),
    remove: (key: string) => memory.remove(key),
  }
}

/** A store that asks for something else than it was asked for. */
const asking = (change: (options: GetOptions) => GetOptions) =>
  spoilt((memory) => ({ get: (key, options, signal) => memory.get(key, change(options), signal) }))

const without = (name: keyof GetOptions, options: GetOptions): GetOptions =>
  Object.fromEntries(Object.entries(options).filter(([each]) => each !== name))

/** A store that gives something else than it got. */
const giving = (
  change: (object: OpenObject, options: GetOptions, memory: Memory, key: string) => OpenObject,
) =>
  spoilt((memory) => ({
    async get(key, options, signal) {
      const object = await memory.get(key, options, signal)
      return object && change(object, options, memory, key)
    },
  }))

async function* mapped(
  chunks: AsyncIterable<Uint8Array>,
  change: (chunk: Uint8Array) => Uint8Array[],
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield* change(chunk)
}

async function* untilChanged(object: OpenObject, memory: Memory, key: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of object.chunks) {
    yield chunk
    const now = await memory.head(key, new AbortController().signal)
    if (now?.validator !== object.info.validator) return
  }
}

async function* leaking(object: OpenObject, memory: Memory, key: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of object.chunks) {
    yield chunk
    const now = await memory.head(key, new AbortController().signal)
    if (now?.validator !== object.info.validator) throw new Error(`NoSuchKey: ${key}`)
  }
}

const oneMemory = new Uint8Array(65_536)
const never = new Promise<never>(() => undefined)

const faults: readonly (readonly [string, ReturnType<typeof spoilt>, string])[] = [
  [
    'whose head finds nothing',
    spoilt(() => ({ head: async () => undefined })),
    'head and get describe an object equally, every time',
  ],
  [
    'that makes up a validator each time',
    giving((object) => ({ ...object, info: { ...object.info, validator: String(Math.random()) } })),
    'head and get describe an object equally, every time',
  ],
  [
    'whose validator is the size alone',
    spoilt((memory) => ({
      head: async (key, signal) => {
        const info = await memory.head(key, signal)
        return info && { ...info, validator: String(info.size) }
      },
    })),
    'a validator is not empty, and every overwrite changes it',
  ],
  [
    'that gives empty chunks',
    giving((object) => ({ ...object, chunks: mapped(object.chunks, (chunk) => [chunk, new Uint8Array()]) })),
    'an object of 1 bytes is read completely and exactly',
  ],
  [
    'that loses the last byte',
    giving((object) => ({
      ...object,
      chunks: mapped(object.chunks, (chunk) => [chunk.subarray(0, 65_535)]),
    })),
    'an object of 65536 bytes is read completely and exactly',
  ],
  [
    'that describes a range as the whole object',
    giving((object, { range }) => ({
      ...object,
      info: { ...object.info, size: range ? range.last - range.first + 1 : object.info.size },
    })),
    'a range gives exactly its bytes: one byte inside',
  ],
  [
    'that ignores ranges',
    asking((options) => without('range', options)),
    'a range gives exactly its bytes: the first byte',
  ],
  [
    'whose ranges end a byte early',
    asking(({ range, ...options }) =>
      range && range.last > range.first ? { ...options, range: { ...range, last: range.last - 1 } } : options,
    ),
    'a range gives exactly its bytes: the middle',
  ],
  [
    'that cuts a range at the end of the object',
    asking(({ range, ...options }) =>
      range ? { ...options, range: { ...range, last: Math.min(range.last, 300_000) } } : options,
    ),
    'a range over the end is refused or fails',
  ],
  [
    'that ignores pins',
    asking((options) => without('ifMatch', options)),
    'a pin of another object is refused',
  ],
  [
    'that refuses every pin',
    asking((options) => ('ifMatch' in options ? refuse('object_changed') : options)),
    'a matching pin opens the whole object and a range',
  ],
  [
    'that ends normally after the object was deleted',
    giving((object, _, memory, key) => ({ ...object, chunks: untilChanged(object, memory, key) })),
    'an object deleted during a read gives its old bytes or fails',
  ],
  [
    'that throws foreign text',
    giving((object, _, memory, key) => ({ ...object, chunks: leaking(object, memory, key) })),
    'an object overwritten by fewer bytes during a read gives its old bytes or fails',
  ],
  [
    'that cleans keys instead of refusing them',
    spoilt((memory) => ({
      get: (key, options, signal) => memory.get(posix.normalize(key), options, signal),
    })),
    'no other spelling of a key reaches the object, and no key leaves the store',
  ],
  [
    'that throws for a missing object',
    spoilt((memory) => ({
      get: async (key, options, signal) =>
        (await memory.get(key, options, signal)) ?? refuse('object_missing'),
    })),
    'a missing object is undefined: never stored, removed, or below an object',
  ],
  [
    'whose close throws the second time',
    giving((object) => {
      let closed = 0
      return { ...object, close: () => (++closed > 1 ? refuse('internal') : object.close()) }
    }),
    'close works before the first chunk, between two chunks, after the last one, and twice',
  ],
  [
    'that continues after close',
    giving((object) => ({ ...object, close: () => undefined })),
    'a closed object gives no more bytes, and its reads do not hang',
  ],
  [
    'whose pending read hangs after close',
    giving((object) => ({ ...object, chunks: { [Symbol.asyncIterator]: () => ({ next: () => never }) } })),
    'a read that is pending at close settles',
  ],
  [
    'that opens for a caller that has left',
    spoilt((memory) => ({ get: (key, options) => memory.get(key, options, new AbortController().signal) })),
    'a signal that has fired opens nothing',
  ],
  [
    'that reuses buffers without borrow',
    asking((options) => ({ ...options, borrow: true })),
    'without borrow the reader may keep chunks',
  ],
  [
    'that gives two readers the same buffer',
    giving((object, { borrow }) =>
      borrow === true
        ? {
            ...object,
            chunks: mapped(object.chunks, (chunk) => {
              oneMemory.set(chunk)
              return [oneMemory.subarray(0, chunk.length)]
            }),
          }
        : object,
    ),
    'borrowers that read at the same time do not share memory',
  ],
  [
    'that stops after a hundred objects',
    spoilt((memory) => {
      let opened = 0
      return {
        get: async (key, options, signal) =>
          ++opened > 100 ? refuse('unavailable') : memory.get(key, options, signal),
      }
    }),
    '200 objects that are closed unread or half read leave the store usable',
  ],
]

describe('the contract finds a store', () => {
  // The one that hangs takes the contract's whole timeout.
  test.each(faults)(
    '%s',
    async (_, open, title) => {
      const broken = storeContract(open).find((one) => one.title === title)
      expect(broken).toBeDefined()
      await expect(broken?.run()).rejects.toBeInstanceOf(Error)
    },
    20_000,
  )
})

test('titles are all different', () => {
  const titles = storeContract(spoilt(() => ({}))).map(({ title }) => title)
  expect(new Set(titles).size).toBe(titles.length)
})
