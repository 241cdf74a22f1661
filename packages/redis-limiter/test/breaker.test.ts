import { describe, expect, test } from 'vitest'

import { createBreaker } from '../src/breaker.ts'
import type { Breaker } from '../src/breaker.ts'

const onClock = (random: number): { clock: { ms: number }; breaker: Breaker } => {
  const clock = { ms: 0 }
  return {
    clock,
    breaker: createBreaker(
      () => clock.ms,
      () => random,
    ),
  }
}
const failTimes = (breaker: Breaker, times: number): void => {
  for (let time = 0; time < times; time += 1) breaker.failed()
}

describe('the breaker', () => {
  test('lets every call through until the fifth failure in a row', () => {
    const { breaker } = onClock(0)
    failTimes(breaker, 4)
    expect(breaker.mayCall()).toBe(true)
    breaker.answered()
    failTimes(breaker, 4)
    expect(breaker.mayCall()).toBe(true)
    breaker.failed()
    expect(breaker.mayCall()).toBe(false)
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
    expect(breaker.mayCall()).toBe(false)
    clock.ms = ms
    expect(breaker.mayCall()).toBe(true)
  })

  test('lets one call through after the pause, and all when it is answered', () => {
    const { clock, breaker } = onClock(0)
    failTimes(breaker, 5)
    clock.ms = 1_000
    expect([breaker.mayCall(), breaker.mayCall()]).toEqual([true, false])
    breaker.answered()
    expect([breaker.mayCall(), breaker.mayCall()]).toEqual([true, true])
    expect(breaker.pauseMs()).toBe(0)
  })

  test('pauses again when that call fails', () => {
    const { clock, breaker } = onClock(0)
    failTimes(breaker, 5)
    clock.ms = 1_000
    breaker.mayCall()
    breaker.failed()
    expect(breaker.pauseMs()).toBe(1_000)
    expect(breaker.mayCall()).toBe(false)
  })

  test('lets another call through when that one had no outcome', () => {
    const { clock, breaker } = onClock(0)
    failTimes(breaker, 5)
    clock.ms = 1_000
    breaker.mayCall()
    breaker.undecided()
    expect(breaker.mayCall()).toBe(true)
  })

  test('many calls that fail together make one pause', () => {
    const { clock, breaker } = onClock(0)
    failTimes(breaker, 5)
    clock.ms = 500
    failTimes(breaker, 495)
    expect(breaker.pauseMs()).toBe(500)
  })
})
