import { type ExportStore, refuse } from '@sallyport/core'
import { describe, expect, test } from 'vitest'

import { openPartsStore } from '../../src/parts/store.ts'
import { endOf } from '../reading.ts'
import { simulatedClock, simulatedStore } from './simulated-store.ts'
import { watchedStore } from './watched-store.ts'

// How many parts are opened ahead, by a simulated clock: the figures of docs/parts.md do not depend on the machine.

const MIB = 1_048_576
const COUNT = 64
const LATENCY_MS = 20
const signal = new AbortController().signal
const keys = Array.from({ length: COUNT }, (_, nth) => `p${nth}`)

/** Downloads of parts of one size, or of one object of 64 MiB. */
function scene({
  mibPerSecond,
  size = MIB,
  wrap = (store) => store,
}: {
  readonly mibPerSecond: number
  readonly size?: number
  readonly wrap?: (store: ExportStore) => ExportStore
}) {
  const clock = simulatedClock()
  const sizes = (key: string): number => (key === 'whole' ? COUNT * MIB : size)
  const bytesPerMs = (mibPerSecond * MIB) / 1_000
  const watched = watchedStore(simulatedStore(clock, { sizes, latencyMs: LATENCY_MS, bytesPerMs }))
  const store = openPartsStore(
    wrap(watched),
    async (key) =>
      (key === 'whole' ? ['whole'] : keys).map((name) => ({
        key: name,
        size: sizes(name),
        validator: '"1"',
      })),
    { keys: 'strict', encodedParts: 'refuse', aheadMs: 1_000, now: clock.now },
  )
  const read = async (key: string): Promise<number> => {
    const begunAt = clock.now()
    await clock.run(store.get(key, {}, signal).then((object) => endOf(object)))
    return clock.now() - begunAt
  }
  return { clock, store, watched, read }
}

describe('64 parts of 1 MiB, each opened in 20 ms', () => {
  test.each([
    [16, 1, 2],
    [32, 1, 3],
    [48, 1, 3],
    [128, 0.98, 5],
    [256, 0.75, 5],
  ])(
    'at %d MiB/s reach %f of the speed of one object, with at most %d open',
    async (mibPerSecond, share, most) => {
      const { watched, read } = scene({ mibPerSecond })
      const one = await read('whole')
      const parts = await read('parts')
      expect(one / parts).toBeCloseTo(share, 2)
      expect({ mostOpen: watched.mostOpen(), closes: watched.closes() }).toEqual({
        mostOpen: most,
        closes: 65,
      })
      expect(watched.gets.map(({ key }) => key)).toEqual(['whole', ...keys])
    },
  )
})

test('large parts are opened one ahead', async () => {
  const { watched, read } = scene({ mibPerSecond: 128, size: 8 * MIB })
  await read('parts')
  expect({ mostOpen: watched.mostOpen(), closes: watched.closes() }).toEqual({ mostOpen: 2, closes: COUNT })
})

test('no byte of a part is read before its turn', async () => {
  const { clock, store, watched } = scene({ mibPerSecond: 128 })
  let taken = 0
  const early: string[] = []
  const object = await clock.run(store.get('parts', {}, signal))
  const reading = async (): Promise<void> => {
    for await (const chunk of object?.chunks ?? []) {
      const turn = Math.floor(taken / MIB)
      early.push(...keys.slice(turn + 1).filter((key) => watched.read(key) > 0))
      taken += chunk.length
    }
  }
  await clock.run(reading())
  object?.close()
  expect({ taken, early, closes: watched.closes() }).toEqual({ taken: COUNT * MIB, early: [], closes: COUNT })
})

test('a range over three parts opens these three', async () => {
  const { clock, store, watched } = scene({ mibPerSecond: 128 })
  const range = { first: 7 * MIB + 5, last: 9 * MIB + 5 }
  const object = store.get('parts', { range }, signal)
  expect((await clock.run(object.then((opened) => endOf(opened)))).size).toBe(2 * MIB + 1)
  expect(watched.gets.map(({ key }) => key)).toEqual(['p7', 'p8', 'p9'])
  expect(watched.closes()).toBe(3)
})

test.each([1, 2, 40, 100, 130, 163, 164, 171, 300, 1_023, 1_024])(
  'close after %d chunks closes everything once, also what is being opened',
  async (count) => {
    const { clock, store, watched } = scene({ mibPerSecond: 128 })
    const object = await clock.run(store.get('parts', {}, signal))
    const chunks = object?.chunks[Symbol.asyncIterator]()
    for (let nth = 0; nth < count; nth++) await clock.run(Promise.resolve(chunks?.next()))
    object?.close()
    object?.close()
    await clock.run(clock.sleep(100))
    expect({ open: watched.open(), closes: watched.closes() }).toEqual({ open: 0, closes: watched.opens() })
    expect(watched.mostOpen()).toBeLessThanOrEqual(5)
  },
)

describe('a part that is opened ahead', () => {
  /** Calls `change` when the tenth part is opened: for the nth time, from 1. */
  const tenth =
    (change: (nth: number, get: () => ReturnType<ExportStore['get']>) => ReturnType<ExportStore['get']>) =>
    (store: ExportStore): ExportStore => {
      let nth = 0
      return {
        ...store,
        get: (key, options, own) => {
          const get = () => store.get(key, options, own)
          if (key !== 'p10') return get()
          nth += 1
          return change(nth, get)
        },
      }
    }
  const read = async (wrap: (store: ExportStore) => ExportStore) => {
    const { clock, store, watched } = scene({ mibPerSecond: 128, wrap })
    const end = await clock.run(store.get('parts', {}, signal).then((object) => endOf(object)))
    await clock.run(clock.sleep(100))
    expect(watched.mostOpen()).toBeLessThanOrEqual(5)
    expect({ open: watched.open(), closes: watched.closes() }).toEqual({ open: 0, closes: watched.opens() })
    return { size: end.size, end: end.end, opens: watched.opens() }
  }

  test('and could not be opened is opened again in its turn', async () => {
    let times = 0
    const wrap = tenth((nth, get) => {
      times = nth
      return nth === 1 ? Promise.reject(new Error('busy')) : get()
    })
    expect(await read(wrap)).toEqual({ size: COUNT * MIB, end: 'end', opens: COUNT + 3 })
    expect(times).toBe(2)
  })

  test('and has changed is a cut where it begins', async () => {
    const wrap = tenth(async () => refuse('object_changed'))
    expect(await read(wrap)).toMatchObject({ size: 10 * MIB, end: 'object_changed' })
  })

  test('and loses its connection before its turn is a cut where it begins', async () => {
    const wrap = tenth(async (_, get) => {
      const object = await get()
      const lost = { [Symbol.asyncIterator]: () => ({ next: async () => refuse('unavailable') }) }
      return object && { ...object, chunks: lost }
    })
    expect(await read(wrap)).toMatchObject({ size: 10 * MIB, end: 'unavailable' })
  })
})
