import { expect, test } from 'vitest'

import type { Measured, Round } from '../src/race.ts'
import { summarize } from '../src/summary.ts'

const round = (answers: number, serverCpuMs: number): Round => ({
  answers,
  failures: 1,
  elapsedMs: 1_000,
  serverCpuMs,
  clientCpuMs: 500,
  p50Ms: 1,
  p99Ms: 2,
})
const measured = (server: string, rounds: readonly Round[]): Measured => ({
  server,
  rounds,
  peakBytes: 2,
  residentBytes: 1,
})
const work = { title: 't', bytes: 1_000, connections: 1, seconds: 1 }
const servers = [
  measured('base', [round(1_000, 1_000), round(500, 500)]),
  measured('other', [round(2_000, 1_000), round(500, 1_000)]),
]

test('costs and rates are compared with those of the baseline in the same round', () => {
  const [, other] = summarize({ work, baseline: 'base', servers })
  expect(other?.cpuRatio).toEqual({ median: 1.25, least: 0.5, most: 2 })
  expect(other?.rateRatio).toEqual({ median: 1.5, least: 1, most: 2 })
  expect(other?.failures).toBe(2)
})

test('without the baseline there is nothing to compare with', () => {
  const [base] = summarize({ work, baseline: 'nobody', servers })
  expect(base?.cpuRatio).toBeUndefined()
  expect(base?.requestsPerSecond).toBe(750)
})
