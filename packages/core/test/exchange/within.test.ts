import { getEventListeners } from 'node:events'

import { describe, expect, test } from 'vitest'

import { within } from '../../src/exchange/within.ts'

const never = <V>(): Promise<V> => new Promise(() => undefined)

describe('a call with a deadline', () => {
  test('gives what it gives, and leaves nothing behind', async () => {
    const { signal } = new AbortController()
    expect(await within(1_000, signal, async () => 'found')).toBe('found')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test.each<[string, () => Promise<never>]>([
    ['rejects', () => Promise.reject(new Error('down'))],
    [
      'throws at once',
      () => {
        throw new Error('down')
      },
    ],
  ])('that %s is rejected with the same', async (_, call) => {
    const { signal } = new AbortController()
    await expect(within(1_000, signal, call)).rejects.toEqual(new Error('down'))
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('that takes too long times out, and is told to stop', async () => {
    const { signal } = new AbortController()
    let told: AbortSignal | undefined
    const call = (own: AbortSignal): Promise<never> => {
      told = own
      return never()
    }
    await expect(within(10, signal, call)).rejects.toMatchObject({ name: 'TimeoutError' })
    expect([told?.aborted, getEventListeners(signal, 'abort')]).toEqual([true, []])
  })

  test('ends with the signal, whose reason it gives', async () => {
    const controller = new AbortController()
    const reason = new Error('the client left')
    const called = within(1_000, controller.signal, never)
    controller.abort(reason)
    await expect(called).rejects.toBe(reason)
    await expect(within(1_000, controller.signal, never)).rejects.toBe(reason)
  })

  test('hands over what comes too late, so that it can be closed', async () => {
    const { signal } = new AbortController()
    const slow = Promise.withResolvers<string>()
    const late: string[] = []
    await expect(
      within(
        10,
        signal,
        () => slow.promise,
        (value) => late.push(value),
      ),
    ).rejects.toThrow('no answer in time')
    slow.resolve('an open file')
    await new Promise((resolve) => setImmediate(resolve))
    expect(late).toEqual(['an open file'])
  })

  test('is not heard of when it fails too late', async () => {
    const { signal } = new AbortController()
    const slow = Promise.withResolvers<string>()
    await expect(within(10, signal, () => slow.promise)).rejects.toThrow('no answer in time')
    slow.reject(new Error('down'))
    await new Promise((resolve) => setImmediate(resolve))
  })
})
