import { describe, expect, test } from 'vitest'

import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { ask, collect, key, openGuard } from './guard.ts'

const size = 1_000
const store = createMemoryStore({ [key]: positionCoded(size) })

/** A caller with 10 tokens, whom a download costs 8 and a range 1. */
async function statuses(...ranges: readonly (string | undefined)[]): Promise<[number, string | undefined][]> {
  const quota = { capacity: 10, refill: 1, perMs: 3_600_000 }
  const cost = { download: 8, range: 1 }
  const limiter = createMemoryLimiter({ maxKeys: 100, now: () => 0 })
  const { handler } = openGuard(store, { limits: { perPrincipal: quota, cost, limiter } })
  const seen: [number, string | undefined][] = []
  for (const range of ranges) {
    const { status, headers, body } = await handler.handle(ask(range === undefined ? {} : { range }))
    await collect(body)
    seen.push([status, headers['RateLimit']?.split(';')[1]])
  }
  return seen
}

describe('a range costs its share of a download', () => {
  test('so two halves cost as much as the whole', async () => {
    expect(await statuses('bytes=0-499', 'bytes=500-999', undefined)).toEqual([
      [206, 'r=6'],
      [206, 'r=2'],
      [429, 'r=2'],
    ])
  })

  test('and at least the price of a range', async () => {
    expect(await statuses('bytes=0-0')).toEqual([[206, 'r=9']])
  })

  test('rounded up, so that resuming is no cheaper way to the whole', async () => {
    expect(await statuses('bytes=1-', 'bytes=1-')).toEqual([
      [206, 'r=2'],
      [429, 'r=1'],
    ])
  })

  test('without a range, or if the range is ignored, the cost is a whole download', async () => {
    expect(await statuses('bytes=5-1')).toEqual([[200, 'r=2']])
  })
})
