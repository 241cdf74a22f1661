import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { allButOneThread, createThreads } from '../../src/filesystem/threads.ts'

describe('createThreads', () => {
  const begun: string[] = []
  const named = (name: string) => () => void begun.push(name)

  test('starts work at once while a thread is free, then first in, first out', () => {
    begun.length = 0
    const threads = createThreads(() => 2)
    for (const name of ['a', 'b', 'c', 'd']) threads.acquire(named(name))
    expect(begun).toEqual(['a', 'b'])
    threads.release()
    expect(begun).toEqual(['a', 'b', 'c'])
    threads.release()
    threads.release()
    threads.acquire(named('e'))
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('cancelled work does not start, and the next in the queue does', () => {
    begun.length = 0
    const threads = createThreads(() => 1)
    const [first, second] = ['first', 'second', 'third'].map((name) => threads.acquire(named(name)))
    threads.cancel(second)
    threads.cancel(second)
    threads.cancel(first)
    threads.release()
    expect(begun).toEqual(['first', 'third'])
  })

  test('reads its limit once, when the first thread is acquired', () => {
    let asked = 0
    const threads = createThreads(() => ++asked)
    expect(asked).toBe(0)
    threads.acquire(() => undefined)
    threads.release()
    threads.acquire(() => undefined)
    expect(asked).toBe(1)
  })
})

describe('volumes', () => {
  const scene = (limit: number) => {
    const threads = createThreads(() => limit)
    const begun: string[] = []
    const ask = (volume: string) => threads.of(volume).acquire(() => void begun.push(volume))
    return { threads, begun, ask }
  }
  const times = (count: number, call: () => unknown): void => {
    for (let nth = 0; nth < count; nth++) call()
  }

  test('one alone may use all threads', () => {
    const { begun, ask } = scene(3)
    times(5, () => ask('a'))
    expect(begun).toEqual(['a', 'a', 'a'])
  })

  test('one that hangs leaves a thread for each other volume, which gets it at once, again and again', () => {
    const { threads, begun, ask } = scene(6)
    for (const volume of ['a', 'b', 'c']) threads.of(volume)
    times(10, () => ask('a'))
    expect(begun).toEqual(['a', 'a', 'a', 'a'])
    for (const volume of ['b', 'c', 'b', 'c']) {
      ask(volume)
      expect(begun.at(-1)).toBe(volume)
      threads.of(volume).release()
    }
    expect(begun).toHaveLength(8)
  })

  test('two that hang leave a thread for the third', () => {
    const { threads, begun, ask } = scene(6)
    for (const volume of ['a', 'b', 'c']) threads.of(volume)
    times(10, () => ask('a'))
    times(10, () => ask('b'))
    ask('c')
    expect(begun.join('')).toBe('aaaabc')
  })

  test('many idle volumes keep at most half of the threads from one', () => {
    const { threads, begun, ask } = scene(6)
    for (let nth = 0; nth < 50; nth++) threads.of(`idle ${nth}`)
    times(10, () => ask('a'))
    expect(begun).toEqual(['a', 'a', 'a'])
  })

  test('a released thread serves the volumes in turn', () => {
    const { threads, begun, ask } = scene(2)
    for (const volume of ['a', 'b', 'a', 'a', 'b', 'b']) ask(volume)
    expect(begun).toEqual(['a', 'b'])
    for (const volume of ['a', 'b', 'a', 'b']) threads.of(volume).release()
    expect(begun.toSorted().join('')).toBe('aaabbb')
  })

  test('in every order of acquire and release, at most the limit runs, and all work starts', () => {
    const volume = fc.constantFrom('a', 'b', 'c')
    const step = fc.oneof(volume, fc.nat({ max: 9 }))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (limit, steps) => {
        const threads = createThreads(() => limit)
        const running: string[] = []
        let begun = 0
        const give = (nth: number): void => {
          const [volume] = running.splice(nth % running.length, 1)
          if (volume !== undefined) threads.of(volume).release()
        }
        for (const step of steps) {
          if (typeof step === 'number') give(step)
          else
            threads.of(step).acquire(() => {
              begun++
              running.push(step)
            })
          expect(running.length).toBeLessThanOrEqual(limit)
        }
        while (running.length > 0) give(0)
        expect(begun).toBe(steps.filter((step) => typeof step === 'string').length)
      }),
    )
  })

  test('work without a volume leaves threads for volumes, too', () => {
    const { threads, begun, ask } = scene(4)
    threads.of('a')
    times(10, () => threads.acquire(() => void begun.push('search')))
    ask('a')
    expect(begun).toEqual(['search', 'search', 'search', 'a'])
  })
})

describe('allButOneThread', () => {
  test.each([
    [undefined, 3],
    ['4', 3],
    ['16', 15],
    ['2', 1],
    ['1', 1],
    ['0', 1],
    ['-3', 1],
    ['many', 1],
    ['8 threads', 7],
    ['5000', 1023],
  ])('UV_THREADPOOL_SIZE %j leaves %d', (size, threads) => {
    expect(allButOneThread(size === undefined ? {} : { UV_THREADPOOL_SIZE: size })).toBe(threads)
  })
})
