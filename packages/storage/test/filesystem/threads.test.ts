import { describe, expect, test } from 'vitest'

import { allButOneThread, createThreads } from '../../src/filesystem/threads.ts'

describe('createThreads', () => {
  const begun: string[] = []
  const named = (name: string) => () => void begun.push(name)

  test('begins at once while a thread is free, then in the order of asking', () => {
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

  test('what was withdrawn begins no more, and its place goes to the next', () => {
    begun.length = 0
    const threads = createThreads(() => 1)
    const [first, second] = ['first', 'second', 'third'].map((name) => threads.acquire(named(name)))
    threads.cancel(second)
    threads.cancel(second)
    threads.cancel(first)
    threads.release()
    expect(begun).toEqual(['first', 'third'])
  })

  test('asks for its limit once, when the first thread is taken', () => {
    let asked = 0
    const threads = createThreads(() => ++asked)
    expect(asked).toBe(0)
    threads.acquire(() => undefined)
    threads.release()
    threads.acquire(() => undefined)
    expect(asked).toBe(1)
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
