import { expect, test } from 'vitest'

import { type End, inTurn, createThreads } from '../../src/filesystem/threads.ts'

const reason = new Error('the caller left')

test('gives what the work found, or rejects with its error', async () => {
  const threads = createThreads(() => 1)
  const { signal } = new AbortController()
  const work = (error: unknown, found?: string) => (end: End<string>) => {
    threads.release()
    end(error, found)
  }
  await expect(inTurn(threads, signal, work(undefined, 'found'))).resolves.toBe('found')
  await expect(inTurn(threads, signal, work(undefined))).resolves.toBeUndefined()
  await expect(inTurn(threads, signal, work(reason))).rejects.toBe(reason)
})

test('a signal that has fired begins nothing', async () => {
  const threads = createThreads(() => 1)
  let begun = 0
  await expect(inTurn(threads, AbortSignal.abort(reason), () => void begun++)).rejects.toBe(reason)
  expect(begun).toBe(0)
})

test('a signal that fires settles at once, and what is found later is discarded', async () => {
  const threads = createThreads(() => 1)
  const caller = new AbortController()
  const discarded: string[] = []
  let end: End<string> = () => undefined
  const waiting = inTurn<string>(
    threads,
    caller.signal,
    (given) => void (end = given),
    (late) => void discarded.push(late),
  )
  caller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  end(undefined, 'late')
  expect(discarded).toEqual(['late'])
})

test('work that still waits for a thread leaves the line when its signal fires', async () => {
  const threads = createThreads(() => 1)
  threads.acquire(() => undefined)
  const caller = new AbortController()
  let begun = 0
  const waiting = inTurn(threads, caller.signal, () => void begun++)
  caller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  threads.release()
  expect(begun).toBe(0)
})

test('leaves no listener on the signal', async () => {
  const threads = createThreads(() => 1)
  const caller = new AbortController()
  const discarded: string[] = []
  await inTurn<string>(
    threads,
    caller.signal,
    (end) => end(undefined, 'found'),
    (late) => void discarded.push(late),
  )
  caller.abort(reason)
  expect(discarded).toEqual([])
})
