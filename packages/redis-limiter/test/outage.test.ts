import { expect, test } from 'vitest'

import { createOutage } from '../src/outage.ts'

const listening = (): { clock: { ms: number }; outage: ReturnType<typeof createOutage>; told: unknown[] } => {
  const clock = { ms: 0 }
  const outage = createOutage('limiter_local', () => clock.ms)
  const told: unknown[] = []
  outage.onTrouble((code, cause) => told.push([code, cause]))
  return { clock, outage, told }
}

test('an outage is told once when it begins and once when it is over', () => {
  const { clock, outage, told } = listening()
  const cause = new Error('ECONNREFUSED')
  expect(outage.answered()).toBe(false)
  outage.failed(cause)
  outage.failed(new Error('another'))
  clock.ms = 5_000
  expect(outage.answered()).toBe(true)
  expect(outage.answered()).toBe(false)
  expect(told).toEqual([
    ['limiter_local', cause],
    ['limiter_back', undefined],
  ])
})

test('a server that falters has one outage', () => {
  const { clock, outage, told } = listening()
  for (clock.ms = 0; clock.ms < 10_000; clock.ms += 100) {
    outage.failed(new Error('no answer within 50 ms'))
    outage.answered()
  }
  clock.ms += 900
  outage.answered()
  expect(told).toHaveLength(2)
})

test('a listener that throws keeps no other from hearing', () => {
  const outage = createOutage('limiter_closed')
  const told: string[] = []
  outage.onTrouble(() => {
    throw new Error('broken')
  })
  outage.onTrouble((code) => told.push(code))
  outage.failed(new Error('ECONNREFUSED'))
  expect(told).toEqual(['limiter_closed'])
})
