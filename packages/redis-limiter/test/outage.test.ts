import { expect, test } from 'vitest'

import { createOutage } from '../src/outage.ts'

const listening = (): {
  clock: { ms: number }
  outage: ReturnType<typeof createOutage>
  reported: unknown[]
} => {
  const clock = { ms: 0 }
  const outage = createOutage('limiter_local', () => clock.ms)
  const reported: unknown[] = []
  outage.onTrouble((code, cause) => reported.push([code, cause]))
  return { clock, outage, reported }
}

test('an outage is reported once when it begins and once when it is over', () => {
  const { clock, outage, reported } = listening()
  const cause = new Error('ECONNREFUSED')
  expect(outage.answered()).toBe(false)
  outage.failed(cause)
  outage.failed(new Error('another'))
  clock.ms = 5_000
  expect(outage.answered()).toBe(true)
  expect(outage.answered()).toBe(false)
  expect(reported).toEqual([
    ['limiter_local', cause],
    ['limiter_back', undefined],
  ])
})

test('a server that fails now and then has one outage', () => {
  const { clock, outage, reported } = listening()
  for (clock.ms = 0; clock.ms < 10_000; clock.ms += 100) {
    outage.failed(new Error('no answer within 50 ms'))
    outage.answered()
  }
  clock.ms += 900
  outage.answered()
  expect(reported).toHaveLength(2)
})

test('a listener that throws does not stop the others', () => {
  const outage = createOutage('limiter_closed')
  const reported: string[] = []
  outage.onTrouble(() => {
    throw new Error('broken')
  })
  outage.onTrouble((code) => reported.push(code))
  outage.failed(new Error('ECONNREFUSED'))
  expect(reported).toEqual(['limiter_closed'])
})
