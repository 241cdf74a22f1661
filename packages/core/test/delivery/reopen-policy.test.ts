import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { DeliveryError } from '../../src/delivery/delivery-error.ts'
import type { BeforeReopen } from '../../src/delivery/reopen-policy.ts'
import { createReopenPace, reopenPolicy } from '../../src/delivery/reopen-policy.ts'
import { refusal } from '../../src/refusals.ts'
import { DeadlineError } from '../../src/waiting.ts'

const cut = new DeliveryError('store_cut', new Error('ECONNRESET'))
const { signal: calm } = new AbortController()

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function policy(more: Partial<Parameters<typeof reopenPolicy>[0]> = {}): {
  readonly beforeReopen: BeforeReopen
  readonly outages: DeliveryError[]
  readonly controller: AbortController
} {
  const outages: DeliveryError[] = []
  const controller = new AbortController()
  const beforeReopen = reopenPolicy({
    attempts: Infinity,
    withinMs: 60_000,
    pace: { turn: async () => undefined },
    signal: controller.signal,
    onOutage: (fault) => void outages.push(fault),
    random: () => 0.5,
    ...more,
  })
  return { beforeReopen, outages, controller }
}

/** What a wait ended with, and after how many milliseconds. */
async function after(waiting: Promise<unknown>): Promise<{ readonly ms: number; readonly thrown?: unknown }> {
  const from = performance.now()
  const ended = waiting.then(
    () => ({ ms: performance.now() - from }),
    (thrown: unknown) => ({ ms: performance.now() - from, thrown }),
  )
  await vi.advanceTimersByTimeAsync(120_000)
  return ended
}

describe('an outage of one download', () => {
  test('leads to back-off that doubles up to 2 s, and is reported once', async () => {
    const { beforeReopen, outages } = policy()
    const waits: number[] = []
    for (let n = 0; n < 8; n++) {
      const from = performance.now()
      const waiting = beforeReopen(cut, 100)
      await vi.advanceTimersToNextTimerAsync()
      await waiting
      waits.push(performance.now() - from)
    }
    expect(waits.map(Math.round)).toEqual([50, 100, 200, 400, 800, 1_600, 2_000, 2_000])
    expect(outages).toEqual([cut])
  })

  test.each([
    [0, 25],
    [0.98, 74],
  ])('leads to jitter: the random number %d waits %d ms', async (draw, expected) => {
    const { ms } = await after(policy({ random: () => draw }).beforeReopen(cut, 0))
    expect(Math.round(ms)).toBe(expected)
  })

  test('ends the download when its attempts are used up, and is not reported again', async () => {
    const { beforeReopen, outages } = policy({ attempts: 2 })
    await after(beforeReopen(cut, 100))
    await after(beforeReopen(cut, 100))
    const { thrown } = await after(beforeReopen(cut, 100))
    expect(thrown).toMatchObject({ outcome: 'store_cut', cause: cut.cause, trouble: undefined })
    expect(outages).toEqual([cut])
  })

  test('ends the download when its time is used up', async () => {
    const { beforeReopen } = policy({ withinMs: 300 })
    const results: unknown[] = []
    for (let n = 0; n < 3; n++) {
      const waiting = beforeReopen(cut, 100).then(
        () => 'reopen',
        (error: unknown) => error,
      )
      await vi.advanceTimersToNextTimerAsync()
      results.push(await waiting)
    }
    expect(results).toMatchObject(['reopen', 'reopen', { outcome: 'store_cut' }])
  })

  test('at another position is another outage, with its own attempts', async () => {
    const { beforeReopen, outages } = policy({ attempts: 1 })
    for (let position = 0; position < 5; position++) await after(beforeReopen(cut, position))
    expect(outages).toHaveLength(5)
    expect((await after(beforeReopen(cut, 4))).thrown).toMatchObject({ outcome: 'store_cut' })
  })

  test('ends at once when the signal fires', async () => {
    const { beforeReopen, controller } = policy()
    const reason = new Error('the client left')
    const waiting = after(beforeReopen(cut, 0))
    controller.abort(reason)
    expect(await waiting).toMatchObject({ ms: 0, thrown: reason })
    expect((await after(beforeReopen(cut, 0))).thrown).toBe(reason)
  })

  test('ends the download when its turn does not come in time', async () => {
    const turn = (ms: number): Promise<void> => Promise.reject(new DeadlineError(ms))
    expect((await after(policy({ pace: { turn } }).beforeReopen(cut, 0))).thrown).toMatchObject({
      outcome: 'store_cut',
      trouble: undefined,
    })
  })
})

describe('after which failures the object is opened again, and what is reported', () => {
  const cause = new Error('of the client library')
  test.each<[string, unknown, string]>([
    ['a body that broke off', new DeliveryError('store_cut'), 'store_cut'],
    ['a body that fell silent', new DeliveryError('store_stalled'), 'store_stalled'],
    ['an opening that timed out', new DeadlineError(15_000), 'store_stalled'],
    [
      'an opening that the store reports as silent',
      refusal({ kind: 'unavailable', trouble: 'store_silent' }),
      'store_stalled',
    ],
    ['an opening that was refused', refusal({ kind: 'unavailable' }), 'store_unavailable'],
    ['an opening that threw', cause, 'store_failed'],
    ['an opening that threw nothing', undefined, 'store_failed'],
  ])('%s: the object is opened again', async (_, error, trouble) => {
    const { beforeReopen, outages } = policy()
    expect(await after(beforeReopen(error, 0))).not.toHaveProperty('thrown')
    expect(outages).toMatchObject([{ trouble }])
  })

  test.each<[string, unknown, string, string]>([
    ['another object', refusal({ kind: 'object_changed' }), 'object_changed', 'object_changed'],
    [
      'a wrong answer, such as a 403',
      refusal({ kind: 'upstream_error' }, cause),
      'store_wrong',
      'store_wrong',
    ],
    [
      'a malformed chunk',
      refusal({ kind: 'upstream_error', trouble: 'chunk_malformed' }),
      'store_wrong',
      'chunk_malformed',
    ],
    ['a refusal of any other kind', refusal({ kind: 'internal' }), 'store_wrong', 'store_wrong'],
    ['more bytes than promised', new DeliveryError('store_overran'), 'store_overran', 'store_overran'],
  ])('%s: the download ends, and its end reports the failure', async (_, error, outcome, trouble) => {
    const { beforeReopen, outages } = policy()
    expect((await after(beforeReopen(error, 0))).thrown).toMatchObject({ outcome, trouble })
    expect(outages).toEqual([])
  })
})

describe('the pace of all downloads of a handler', () => {
  /** When each of `count` downloads got its turn, in milliseconds. */
  async function turns(count: number, running: () => number): Promise<readonly number[]> {
    const pace = createReopenPace(running)
    const from = performance.now()
    const seen: number[] = []
    for (let n = 0; n < count; n++)
      void pace.turn(120_000, calm).then(() => seen.push(performance.now() - from))
    await vi.advanceTimersByTimeAsync(120_000)
    return seen
  }
  /** The largest number of turns in any second. */
  const mostPerSecond = (seen: readonly number[]): number =>
    Math.max(...seen.map((at, n) => indexAt(seen, at + 1_000) - n))
  const indexAt = (seen: readonly number[], time: number): number => {
    let [low, high] = [0, seen.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((seen[middle] ?? time) < time) low = middle + 1
      else high = middle
    }
    return low
  }

  test.each([
    [1, 10],
    [40, 10],
    [50, 10],
    [99, 19],
    [500, 100],
    [757, 151],
    [10_000, 2_000],
  ])(
    'with %d running is at most %d in any second, and every download gets its turn',
    async (running, pace) => {
      const seen = await turns(running, () => running)
      expect(seen).toHaveLength(running)
      expect(mostPerSecond(seen)).toBeLessThanOrEqual(pace)
      expect(Math.max(...seen)).toBeLessThan(1_000 * (running / pace) * 1.2)
    },
  )

  test('does not slow down as downloads end', async () => {
    let running = 500
    const seen = await turns(500, () => Math.max(1, --running))
    expect([seen.length, Math.max(...seen) < 6_000]).toEqual([500, true])
  })

  test('is first come, first served', async () => {
    const pace = createReopenPace(() => 1)
    const seen: number[] = []
    for (const n of [1, 2, 3]) void pace.turn(10_000, calm).then(() => seen.push(n))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(seen).toEqual([1, 2, 3])
  })

  test('skips a download that left or whose time is over', async () => {
    const pace = createReopenPace(() => 1)
    const leaver = new AbortController()
    await pace.turn(1, calm)
    const seen: unknown[] = []
    const note = (error: unknown): void => void seen.push(error)
    pace.turn(10_000, leaver.signal).catch(note)
    pace.turn(50, calm).catch(note)
    const third = pace.turn(10_000, calm).then(() => performance.now())
    const from = performance.now()
    const reason = new Error('the client left')
    leaver.abort(reason)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(seen).toEqual([reason, new DeadlineError(50)])
    expect((await third) - from).toBeLessThanOrEqual(101)
    expect(vi.getTimerCount()).toBe(0)
  })
})
