import { describe, expect, test } from 'vitest'

import type { Breaker } from '../src/breaker.ts'
import { createBreaker } from '../src/breaker.ts'

const onClock = (random: number): { clock: { ms: number }; breaker: Breaker } => {
  const clock = { ms: 0 }
  const pause = { leastMs: 1_000, mostMs: 2_000 }
  const breaker = createBreaker({ failures: 5, pause, now: () => clock.ms, random: () => random })
  return { clock, breaker }
}
const mayCall = (breaker: Breaker): boolean => {
  const report = breaker.enter()
  report?.('neither')
  return report !== undefined
}
/** So many calls that are sent at the same time, and fail. */
const failTimes = (breaker: Breaker, times: number): void => {
  const reports = Array.from({ length: times }, () => breaker.enter())
  for (const report of reports) report?.('failed')
}

describe('the breaker', () => {
  test('lets every call through until the fifth failure in a row', () => {
    const { breaker } = onClock(0)
    failTimes(breaker, 4)
    expect(mayCall(breaker)).toBe(true)
    breaker.enter()?.('answered')
    failTimes(breaker, 4)
    expect(mayCall(breaker)).toBe(true)
    failTimes(breaker, 1)
    expect(mayCall(breaker)).toBe(false)
  })

  test.each([
    { random: 0, ms: 1_000 },
    { random: 0.5, ms: 1_500 },
    { random: 0.999, ms: 1_999 },
  ])('pauses $ms ms with the random number $random', ({ random, ms }) => {
    const { clock, breaker } = onClock(random)
    failTimes(breaker, 5)
    expect(breaker.pauseMs()).toBe(ms)
    clock.ms = ms - 1
    expect(mayCall(breaker)).toBe(false)
    clock.ms = ms
    expect(mayCall(breaker)).toBe(true)
  })

  test('lets one call through after the pause, and all when it is answered', () => {
    const { clock, breaker } = onClock(0)
    failTimes(breaker, 5)
    clock.ms = 1_000
    const probe = breaker.enter()
    expect(breaker.enter()).toBeUndefined()
    probe?.('answered')
    expect([mayCall(breaker), mayCall(breaker)]).toEqual([true, true])
    expect(breaker.pauseMs()).toBe(0)
  })

  test('pauses again when that call fails', () => {
    const { clock, breaker } = onClock(0)
    failTimes(breaker, 5)
    clock.ms = 1_000
    breaker.enter()?.('failed')
    expect(breaker.pauseMs()).toBe(1_000)
    expect(mayCall(breaker)).toBe(false)
  })

  test('lets another call through when that one had no outcome', () => {
    const { clock, breaker } = onClock(0)
    failTimes(breaker, 5)
    clock.ms = 1_000
    breaker.enter()?.('neither')
    expect(mayCall(breaker)).toBe(true)
  })

  test('many calls that fail together make one pause', () => {
    const { clock, breaker } = onClock(0)
    const reports = Array.from({ length: 500 }, () => breaker.enter())
    for (const report of reports.slice(0, 5)) report?.('failed')
    clock.ms = 500
    for (const report of reports.slice(5)) report?.('failed')
    expect(breaker.pauseMs()).toBe(500)
  })

  test('a late answer of a call that was sent before it opened closes it', () => {
    const { breaker } = onClock(0)
    const early = breaker.enter()
    failTimes(breaker, 5)
    early?.('answered')
    expect(mayCall(breaker)).toBe(true)
  })
})
