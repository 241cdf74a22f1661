import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { within } from '../src/within.ts'

const never = async (): Promise<never> => new Promise(() => undefined)

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('within', () => {
  test('gives the answer and leaves no timer', async () => {
    expect(await within(async () => 'yes', { ms: 50 })).toBe('yes')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('passes a rejection on and leaves no timer', async () => {
    const error = new Error('ECONNREFUSED')
    await expect(within(async () => Promise.reject(error), { ms: 50 })).rejects.toBe(error)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('gives up after its time, and not before', async () => {
    const ended = vi.fn<(error: unknown) => void>()
    within(never, { ms: 50 }).catch(ended)
    await vi.advanceTimersByTimeAsync(49)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(2)
    expect(ended).toHaveBeenCalledExactlyOnceWith(new Error('no answer within 50 ms'))
  })

  test('takes the answer that was in the socket when the timer fired', async () => {
    const call = async (): Promise<string> =>
      new Promise((resolve) => {
        setTimeout(() => setImmediate(() => resolve('read at last')), 49)
      })
    const answer = within(call, { ms: 50 })
    await vi.advanceTimersByTimeAsync(60)
    expect(await answer).toBe('read at last')
  })

  test('hands a late answer over, and drops a late rejection', async () => {
    const late = vi.fn<(value: string) => void>()
    const answer = Promise.withResolvers<string>()
    const refusal = Promise.withResolvers<string>()
    const ends = [
      within(async () => answer.promise, { ms: 50, late }),
      within(async () => refusal.promise, { ms: 50, late }),
    ]
    const settled = Promise.allSettled(ends)
    await vi.advanceTimersByTimeAsync(60)
    await settled
    answer.resolve('too late')
    refusal.reject(new Error('too late'))
    await vi.advanceTimersByTimeAsync(0)
    expect(late).toHaveBeenCalledExactlyOnceWith('too late')
  })

  test('ends with the signal, and leaves neither timer nor listener', async () => {
    const gone = new AbortController()
    const removed = vi.spyOn(gone.signal, 'removeEventListener')
    const answer = within(never, { ms: 50, signal: gone.signal })
    const reason = new Error('gone')
    gone.abort(reason)
    await expect(answer).rejects.toBe(reason)
    expect(vi.getTimerCount()).toBe(0)
    expect(removed).toHaveBeenCalledOnce()
  })

  test('calls nobody for a signal that has fired', async () => {
    const call = vi.fn<() => Promise<string>>()
    const reason = new Error('gone')
    await expect(within(call, { ms: 50, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(call).not.toHaveBeenCalled()
  })

  test('tells the call whether anybody waits', async () => {
    let ask = (): boolean => false
    const answer = within(
      async (isAwaited) => {
        ask = isAwaited
        return never()
      },
      { ms: 50 },
    )
    const settled = Promise.allSettled([answer])
    expect(ask()).toBe(true)
    await vi.advanceTimersByTimeAsync(60)
    await settled
    expect(ask()).toBe(false)
  })

  test('what is thrown that is no error becomes one', async () => {
    await expect(within(async () => Promise.reject('odd'), { ms: 50 })).rejects.toThrow('odd')
  })
})
