import { describe, expect, test } from 'vitest'

import { createSingleFlight } from '../../src/verifiers/single-flight.ts'

describe('createSingleFlight', () => {
  test('gives all who ask for a key the result of one call', async () => {
    const flights = createSingleFlight<string>()
    const { promise, resolve } = Promise.withResolvers<string>()
    let calls = 0
    const call = (): Promise<string> => {
      calls += 1
      return promise
    }
    const results = [flights.run('a', call), flights.run('a', call)]
    expect([flights.isRunning('a'), flights.isRunning('b')]).toEqual([true, false])
    resolve('keys')
    expect(await Promise.all(results)).toEqual(['keys', 'keys'])
    expect(calls).toBe(1)
    expect(flights.isRunning('a')).toBe(false)
  })

  test('calls for different keys are apart', async () => {
    const flights = createSingleFlight<string>()
    const results = ['a', 'b'].map((key) => flights.run(key, async () => key))
    expect(await Promise.all(results)).toEqual(['a', 'b'])
  })

  test('rejects for all, and asks anew afterwards', async () => {
    const flights = createSingleFlight<string>()
    const fail = (): Promise<never> => Promise.reject(new Error('away'))
    const results = [flights.run('a', fail), flights.run('a', fail)]
    await expect(results[0]).rejects.toThrow('away')
    await expect(results[1]).rejects.toThrow('away')
    expect(await flights.run('a', async () => 'back')).toBe('back')
  })
})
