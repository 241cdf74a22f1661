import { getEventListeners } from 'node:events'

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { abortable, DeadlineError, longestTimerMs, startTimer, withDeadline } from '../src/waiting.ts'

const never = async (): Promise<never> => new Promise(() => undefined)
const gone = new Error('the client left')
const down = new Error('ECONNREFUSED')
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

describe('startTimer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test.each([2 ** 31, 1e15, Infinity])('of %d ms fires after 24.8 days, not at once', async (ms) => {
    const fire = vi.fn<() => void>()
    startTimer(fire, ms)
    await vi.advanceTimersByTimeAsync(longestTimerMs - 1)
    expect(fire).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(fire).toHaveBeenCalledOnce()
  })

  test.each([-0.5, -1_000, 0, -Infinity])(
    'of %d ms fires at once, and Node has nothing to warn of',
    async (ms) => {
      const start = vi.spyOn(globalThis, 'setTimeout')
      const fire = vi.fn<() => void>()
      startTimer(fire, ms)
      expect(start.mock.calls).toEqual([[fire, 1]])
      await vi.advanceTimersByTimeAsync(1)
      expect(fire).toHaveBeenCalledOnce()
      start.mockRestore()
    },
  )

  test('a deadline of such a time is not missed at once', async () => {
    const answer = withDeadline(
      () => new Promise((resolve) => void startTimer(() => resolve('here'), 60_000)),
      { ms: 2 ** 31 },
    )
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await answer).toBe('here')
  })
})

describe('abortable', () => {
  test('gives the value, and removes its listener', async () => {
    const { signal } = new AbortController()
    expect(await abortable(Promise.resolve('found'), signal)).toBe('found')
    expect(listeners(signal)).toBe(0)
  })

  test('passes a rejection on, and removes its listener', async () => {
    const { signal } = new AbortController()
    await expect(abortable(Promise.reject(down), signal)).rejects.toBe(down)
    expect(listeners(signal)).toBe(0)
  })

  test('rejects with the reason as soon as the signal fires', async () => {
    const controller = new AbortController()
    const waiting = abortable(never(), controller.signal)
    controller.abort(gone)
    await expect(waiting).rejects.toBe(gone)
    expect(listeners(controller.signal)).toBe(0)
  })

  test('rejects at once where the signal has fired', async () => {
    await expect(abortable(Promise.resolve(1), AbortSignal.abort(gone))).rejects.toBe(gone)
  })

  test('hands a late value over once, and drops what the receiver throws', async () => {
    const controller = new AbortController()
    const slow = Promise.withResolvers<string>()
    const late: string[] = []
    const waiting = abortable(slow.promise, controller.signal, (value) => {
      late.push(value)
      throw new Error('cannot be closed')
    })
    controller.abort(gone)
    await expect(waiting).rejects.toBe(gone)
    slow.resolve('an open file')
    await new Promise((resolve) => setImmediate(resolve))
    expect(late).toEqual(['an open file'])
  })
})

describe('withDeadline', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('gives the answer, and leaves neither timer nor listener', async () => {
    const { signal } = new AbortController()
    expect(await withDeadline(async () => 'yes', { ms: 50, signal })).toBe('yes')
    expect([vi.getTimerCount(), listeners(signal)]).toEqual([0, 0])
  })

  test.each<[string, () => Promise<never>]>([
    ['rejects', () => Promise.reject(down)],
    [
      'throws at once',
      () => {
        throw down
      },
    ],
  ])('passes on what a call that %s says, and leaves neither timer nor listener', async (_, call) => {
    const { signal } = new AbortController()
    await expect(withDeadline(call, { ms: 50, signal })).rejects.toBe(down)
    expect([vi.getTimerCount(), listeners(signal)]).toEqual([0, 0])
  })

  test('gives up at its deadline and not before, and says so to the call', async () => {
    const ended = vi.fn<(error: unknown) => void>()
    let own: AbortSignal | undefined
    const call = async (signal: AbortSignal): Promise<never> => {
      own = signal
      return never()
    }
    withDeadline(call, { ms: 50 }).catch(ended)
    await vi.advanceTimersByTimeAsync(49)
    expect([ended.mock.calls.length, own?.aborted]).toEqual([0, false])
    await vi.advanceTimersByTimeAsync(2)
    expect(ended).toHaveBeenCalledExactlyOnceWith(new DeadlineError(50))
    expect(own?.aborted).toBe(true)
  })

  test('takes an answer that lay in the socket when the timer fired, and does not abort its signal then', async () => {
    let own: AbortSignal | undefined
    const call = async (signal: AbortSignal): Promise<string> => {
      own = signal
      return new Promise((resolve) => {
        setTimeout(() => setImmediate(() => resolve('read at last')), 49)
      })
    }
    const answer = withDeadline(call, { ms: 50 })
    await vi.advanceTimersByTimeAsync(60)
    expect([await answer, own?.aborted]).toEqual(['read at last', false])
  })

  test('hands a late answer over, and drops a late rejection', async () => {
    const late = vi.fn<(value: string) => void>()
    const answer = Promise.withResolvers<string>()
    const refusal = Promise.withResolvers<string>()
    const settled = Promise.allSettled([
      withDeadline(async () => answer.promise, { ms: 50, late }),
      withDeadline(async () => refusal.promise, { ms: 50, late }),
    ])
    await vi.advanceTimersByTimeAsync(60)
    await settled
    answer.resolve('too late')
    refusal.reject(down)
    await vi.advanceTimersByTimeAsync(0)
    expect(late).toHaveBeenCalledExactlyOnceWith('too late')
  })

  test('ends with the signal, and leaves neither timer nor listener', async () => {
    const controller = new AbortController()
    const answer = withDeadline(never, { ms: 50, signal: controller.signal })
    controller.abort(gone)
    await expect(answer).rejects.toBe(gone)
    expect([vi.getTimerCount(), listeners(controller.signal)]).toEqual([0, 0])
  })

  test('makes no call for a signal that has fired', async () => {
    const call = vi.fn<() => Promise<string>>()
    await expect(withDeadline(call, { ms: 50, signal: AbortSignal.abort(gone) })).rejects.toBe(gone)
    expect(call).not.toHaveBeenCalled()
  })
})
