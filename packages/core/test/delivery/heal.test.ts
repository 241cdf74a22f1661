import { describe, expect, test } from 'vitest'

import { DeliveryError } from '../../src/delivery/delivery-error.ts'
import { createHeal } from '../../src/delivery/heal.ts'
import type { Heal } from '../../src/delivery/resume.ts'
import { createRetryBudget } from '../../src/delivery/retry-budget.ts'
import type { RefusalKind } from '../../src/refusals.ts'
import { refusal } from '../../src/refusals.ts'

const cut = new DeliveryError('store_cut')

const healer = (
  more: Partial<Parameters<typeof createHeal>[0]> = {},
): { heal: Heal; outages: unknown[]; controller: AbortController } => {
  const outages: unknown[] = []
  const controller = new AbortController()
  const heal = createHeal({
    attempts: 3,
    withinMs: 60_000,
    retries: createRetryBudget(() => 0),
    signal: controller.signal,
    onOutage: (error) => void outages.push(error),
    random: () => 0.5,
    ...more,
  })
  return { heal, outages, controller }
}

const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'healed',
    (error: unknown) => error,
  )

const refused = (kind: RefusalKind): unknown => refusal({ kind })

/** How long a wait took, in ms. */
const waited = async (promise: Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await promise
  return performance.now() - begun
}

describe('an outage', () => {
  test('is waited for longer each time, but never long, and told once', async () => {
    // A tenth of what it is by an average draw: 50 ms, doubled up to 2 s.
    const { heal, outages } = healer({ attempts: 8, random: () => -0.4 })
    const waits: number[] = []
    for (let n = 0; n < 8; n++) waits.push(await waited(heal(cut, 100)))
    for (const [n, ms] of [5, 10, 20, 40, 80, 160, 200, 200].entries())
      expect(waits[n]).toBeGreaterThan(ms - 2)
    expect(waits[7]).toBeLessThan(640)
    expect(outages).toEqual([cut])
  })

  test('is never waited for by two downloads alike', async () => {
    const [short, long] = [healer({ random: () => 0 }), healer({ random: () => 0.999 })]
    const waits = await Promise.all([waited(short.heal(cut, 0)), waited(long.heal(cut, 0))])
    expect(waits[0]).toBeGreaterThan(23)
    expect(waits[1]).toBeGreaterThan(72)
  })

  test('ends when its attempts are spent', async () => {
    const { heal } = healer({ attempts: 2 })
    await waited(heal(cut, 100))
    await waited(heal(cut, 100))
    expect(await thrown(heal(cut, 100))).toBe(cut)
  })

  test('ends when its time is spent', async () => {
    const { heal } = healer({ attempts: 100, withinMs: 300 })
    await waited(heal(cut, 100))
    await waited(heal(cut, 100))
    expect(await thrown(heal(cut, 100))).toBe(cut)
  })

  test('after a byte is another outage, with a budget of its own', async () => {
    const { heal, outages } = healer({ attempts: 1 })
    for (let position = 0; position < 5; position++) await waited(heal(cut, position))
    expect(outages).toHaveLength(5)
    expect(await thrown(heal(cut, 4))).toBe(cut)
  })

  test('is left at once when the signal fires', async () => {
    const { heal, controller } = healer()
    const reason = new Error('the client left')
    const waiting = thrown(heal(cut, 0))
    controller.abort(reason)
    expect(await waiting).toBe(reason)
    expect(await thrown(heal(cut, 0))).toBe(reason)
  })
})

describe('one of many that try again', () => {
  const turns = (...given: boolean[]): Partial<Parameters<typeof createHeal>[0]> => ({
    random: () => -0.45,
    retries: { opened: () => undefined, spend: () => given.shift() ?? false },
  })

  test('waits for its turn, which is no try', async () => {
    const { heal, outages } = healer({ ...turns(false, false, false, true), attempts: 1 })
    expect(await thrown(heal(cut, 0))).toBe('healed')
    expect(outages).toEqual([cut])
  })

  test('ends where there is none in the time of its outage', async () => {
    const { heal } = healer({ ...turns(), withinMs: 100 })
    expect(await thrown(heal(cut, 0))).toBe(cut)
  })

  test('is left at once when the signal fires', async () => {
    const { heal, controller } = healer({ ...turns(), random: () => 0 })
    const reason = new Error('the client left')
    const waiting = thrown(heal(cut, 0))
    controller.abort(reason)
    expect(await waiting).toBe(reason)
  })
})

describe('what is worth another try', () => {
  test.each<[string, unknown]>([
    ['a cut', cut],
    ['silence', new DeliveryError('store_stalled')],
    ['a foreign error', new Error('ECONNRESET')],
    ['no error at all', undefined],
    ['a store that is unavailable', refused('unavailable')],
  ])('%s is', async (_, error) => {
    const { heal, outages } = healer({ random: () => -0.5 })
    expect(await thrown(heal(error, 0))).toBe('healed')
    expect(outages).toEqual([error])
  })

  test.each<[string, unknown, string]>([
    ['another object', refused('object_changed'), 'object_changed'],
    ['a wrong answer', refused('upstream_error'), 'failed'],
    ['surplus', new DeliveryError('store_overran'), 'store_overran'],
  ])('%s is not', async (_, error, outcome) => {
    const { heal, outages } = healer()
    expect(await thrown(heal(error, 0))).toMatchObject({ outcome })
    expect(outages).toEqual([])
  })

  test('the cause is kept', async () => {
    const error = new Error('ECONNRESET')
    const { heal } = healer({ attempts: 0 })
    expect(await thrown(heal(error, 0))).toMatchObject({ outcome: 'store_cut', cause: error })
  })
})
