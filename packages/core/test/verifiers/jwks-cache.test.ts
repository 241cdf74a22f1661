import { describe, expect, test } from 'vitest'

import { type KeySet, readKeySet } from '../../src/verifiers/key-set.ts'
import { type AgingCache, createAgingCache } from '../../src/verifiers/refreshed.ts'
import type { Runtime } from '../../src/verifiers/runtime.ts'
import { ecSigner } from './forge.ts'
import { createTestWorld } from './runtime.ts'

const MINUTE = 60_000
const cacheOf = (staleMs: number, runtime: Runtime): AgingCache<KeySet> =>
  createAgingCache(({ thumbprints }) => thumbprints, staleMs, runtime)
const { keys } = readKeySet({ keys: [ecSigner('ec-1').jwk] })
const { keys: others } = readKeySet({ keys: [ecSigner('ec-1').jwk] })

describe('createAgingCache', () => {
  test.each([
    [0, 7 * MINUTE],
    [0.5, 8 * MINUTE],
    [1, 9 * MINUTE],
  ])('with chance %d, keys are due after %i ms', (chance, dueMs) => {
    const world = createTestWorld(0)
    const cache = cacheOf(0, { ...world, random: () => chance })
    cache.put(keys, 0)
    world.pass(dueMs - 1)
    expect(cache.isDue()).toBe(false)
    world.pass(1)
    expect(cache.isDue()).toBe(true)
  })

  test.each([
    [0, keys, keys],
    [10 * MINUTE - 1, keys, keys],
    [10 * MINUTE, undefined, keys],
    [15 * MINUTE - 1, undefined, keys],
    [15 * MINUTE, undefined, undefined],
    [-1, undefined, undefined], // the clock was set back
  ])('at the age of %i ms', (ageMs, fresh, stale) => {
    const world = createTestWorld(0)
    const cache = cacheOf(5 * MINUTE, world)
    cache.put(keys, 0)
    world.pass(ageMs)
    expect({ fresh: cache.fresh(), stale: cache.stale() }).toEqual({ fresh, stale })
  })

  test('tells whether other keys were known before', () => {
    const cache = cacheOf(0, createTestWorld(0))
    expect([keys, keys, others, keys].map((put) => cache.put(put, 0))).toEqual([false, false, true, true])
  })

  test('knows nothing at first', () => {
    const cache = cacheOf(0, createTestWorld(0))
    expect([cache.fresh(), cache.stale(), cache.isDue(), cache.goodUntil(keys)]).toEqual([
      undefined,
      undefined,
      false,
      0,
    ])
  })
})
