import { expect, test } from 'vitest'

import { stalledSection } from '../src/memory-report.ts'

const stalled = {
  server: 'bare',
  clients: 1_000,
  failures: 0,
  lost: 0,
  idleBytes: 100_000_000,
  residentBytes: 300_000_000,
  socketBytes: 50_000_000,
  mostSocketBytes: 60_000_000,
} as const

test('tells what each client holds, the idle process aside', () => {
  const { rows } = stalledSection(stalled, 1_000).table
  expect(rows).toContainEqual(['resident, for each client', '200 kB'])
  expect(rows.map(([what]) => what).join()).not.toContain('estimate')
})

test('reckons for more clients than there are descriptors', () => {
  const { rows } = stalledSection(stalled, 10_000).table
  const estimate = rows.find(([what]) => what?.startsWith('estimate for 10,000'))
  expect(estimate?.[1]).toBe('2,100 MB')
})
