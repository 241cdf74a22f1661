import { expect, test } from 'vitest'

import { type Done, runOnThread, createThreads } from '../../src/filesystem/threads.ts'

const reason = new Error('the caller left')

test('resolves with the result of the work, or rejects with its error', async () => {
  const threads = createThreads(() => 1)
  const { signal } = new AbortController()
  const work = (error: unknown, found?: string) => (done: Done<string>) => {
    threads.release()
    done(error, found)
  }
  await expect(runOnThread(threads, signal, work(undefined, 'found'))).resolves.toBe('found')
  await expect(runOnThread(threads, signal, work(undefined))).resolves.toBeUndefined()
  await expect(runOnThread(threads, signal, work(reason))).rejects.toBe(reason)
})

test('a signal that has fired starts no work', async () => {
  const threads = createThreads(() => 1)
  let begun = 0
  await expect(runOnThread(threads, AbortSignal.abort(reason), () => void begun++)).rejects.toBe(reason)
  expect(begun).toBe(0)
})

test('a signal that fires rejects at once, and the late result is discarded', async () => {
  const threads = createThreads(() => 1)
  const caller = new AbortController()
  const discarded: string[] = []
  let end: Done<string> = () => undefined
  const waiting = runOnThread<string>(
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

test('work that waits for a thread leaves the queue when its signal fires', async () => {
  const threads = createThreads(() => 1)
  threads.acquire(() => undefined)
  const caller = new AbortController()
  let begun = 0
  const waiting = runOnThread(threads, caller.signal, () => void begun++)
  caller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  threads.release()
  expect(begun).toBe(0)
})

test('leaves no listener on the signal', async () => {
  const threads = createThreads(() => 1)
  const caller = new AbortController()
  const discarded: string[] = []
  await runOnThread<string>(
    threads,
    caller.signal,
    (end) => end(undefined, 'found'),
    (late) => void discarded.push(late),
  )
  caller.abort(reason)
  expect(discarded).toEqual([])
})
