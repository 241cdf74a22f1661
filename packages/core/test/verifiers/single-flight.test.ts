import { getEventListeners } from 'node:events'

import { describe, expect, test } from 'vitest'

import { nobodyWaits, startSingleFlight } from '../../src/verifiers/single-flight.ts'

/** An errand that settles when told to, or fails with its signal's reason. */
function createErrand(): {
  run: (signal: AbortSignal) => Promise<string>
  done: (value: string) => void
  reason: () => unknown
} {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let seen: AbortSignal | undefined
  return {
    run(signal) {
      seen = signal
      signal.addEventListener('abort', () => reject(new Error('cut', { cause: signal.reason })))
      return promise
    },
    done: resolve,
    reason: (): unknown => seen?.reason,
  }
}

const never = 600_000

describe('startSingleFlight', () => {
  test('gives all who joined the one result, and leaves no listener on their signals', async () => {
    const errand = createErrand()
    let ended = 0
    const flight = startSingleFlight(errand.run, never, () => (ended += 1))
    const [one, two] = [new AbortController(), new AbortController()]
    const joined = [flight.join(one.signal), flight.join(two.signal), flight.join()]
    errand.done('keys')
    expect(await Promise.all(joined)).toEqual(['keys', 'keys', 'keys'])
    expect(ended).toBe(1)
    expect(getEventListeners(one.signal, 'abort')).toEqual([])
    expect(getEventListeners(two.signal, 'abort')).toEqual([])
  })

  test('leaves no timer when it ends before its deadline', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const errand = createErrand()
    const joined = startSingleFlight(errand.run, never, () => undefined).join()
    expect(timers()).toBe(before + 1)
    errand.done('keys')
    await joined
    expect(timers()).toBe(before)
  })

  test('lets the leader go and serves the follower', async () => {
    const errand = createErrand()
    const flight = startSingleFlight(errand.run, never, () => undefined)
    const leader = new AbortController()
    const led = flight.join(leader.signal)
    const followed = flight.join(new AbortController().signal)
    leader.abort(new Error('gone'))
    await expect(led).rejects.toThrow('gone')
    expect(errand.reason()).toBeUndefined()
    errand.done('keys')
    expect(await followed).toBe('keys')
  })

  test('is cancelled when the last caller leaves, and ends at that instant', async () => {
    const errand = createErrand()
    let ended = 0
    const flight = startSingleFlight(errand.run, never, () => (ended += 1))
    const [one, two] = [new AbortController(), new AbortController()]
    const joined = [flight.join(one.signal), flight.join(two.signal)]
    one.abort(new Error('one'))
    expect(ended).toBe(0)
    two.abort(new Error('two'))
    expect(ended).toBe(1)
    expect(errand.reason()).toBe(nobodyWaits)
    await expect(joined[0]).rejects.toThrow('one')
    await expect(joined[1]).rejects.toThrow('two')
    expect(ended).toBe(1)
  })

  test('runs on for a caller without a signal when all others have left', async () => {
    const errand = createErrand()
    const flight = startSingleFlight(errand.run, never, () => undefined)
    const quiet = flight.join()
    const one = new AbortController()
    const left = flight.join(one.signal)
    one.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    errand.done('keys')
    expect(await quiet).toBe('keys')
  })

  test('ends at its deadline, for all', async () => {
    const errand = createErrand()
    const flight = startSingleFlight(errand.run, 5, () => undefined)
    await expect(flight.join(new AbortController().signal)).rejects.toThrow('cut')
    expect(errand.reason()).toEqual(new Error('no answer within 5 ms'))
  })

  test('turns away a caller who has left before', async () => {
    const errand = createErrand()
    const flight = startSingleFlight(errand.run, never, () => undefined)
    await expect(flight.join(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
    expect(errand.reason()).toBe(nobodyWaits)
  })

  test('rejects with an Error even where the signal was fired with something else', async () => {
    const errand = createErrand()
    const flight = startSingleFlight(errand.run, never, () => undefined)
    await expect(flight.join(AbortSignal.abort('text'))).rejects.toThrow('aborted')
  })
})
