import { getEventListeners } from 'node:events'

import { describe, expect, test } from 'vitest'

import { createFairSemaphore, QueueFull } from '../../src/verifiers/fair-semaphore.ts'

const { signal } = new AbortController()
const limits = { held: 2, heldPerKey: 2, waiting: 4, waitingPerKey: 3 }

/** A semaphore, and who got a slot, in order. */
function openLine(changes: Partial<typeof limits> = {}): {
  readonly admitted: string[]
  readonly refused: string[]
  readonly enter: (name: string, signal?: AbortSignal) => void
  readonly releaseFirst: () => void
  readonly settled: () => Promise<void>
} {
  const semaphore = createFairSemaphore({ ...limits, ...changes })
  const [admitted, refused, releases] = [new Array<string>(), new Array<string>(), new Array<() => void>()]
  return {
    admitted,
    refused,
    /** `a1` waits under the key `a`. */
    enter: (name, own = signal) =>
      void semaphore.acquire(name.slice(0, 1), own).then(
        (release) => {
          admitted.push(name)
          releases.push(release)
        },
        (reason: unknown) =>
          refused.push(`${name}: ${reason instanceof QueueFull ? 'full' : String(reason)}`),
      ),
    releaseFirst: () => releases.shift()?.(),
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  }
}

describe('createFairSemaphore', () => {
  test('serves keys in turn, and each in the order of its callers', async () => {
    const line = openLine({ held: 1, waiting: 9, waitingPerKey: 9 })
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2']) line.enter(name)
    for (let count = 0; count < 7; count += 1) {
      await line.settled()
      line.releaseFirst()
    }
    expect(line.admitted).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4'])
  })

  test('leaves slots for others where one key asks for all', async () => {
    const line = openLine({ held: 4, heldPerKey: 2 })
    for (const name of ['a1', 'a2', 'a3', 'b1']) line.enter(name)
    await line.settled()
    expect(line.admitted).toEqual(['a1', 'a2', 'b1'])
    line.releaseFirst()
    await line.settled()
    expect(line.admitted).toEqual(['a1', 'a2', 'b1', 'a3'])
  })

  test('refuses the key that waits most, not the newcomer', async () => {
    const line = openLine()
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'b1']) line.enter(name)
    await line.settled()
    expect(line.refused).toEqual(['a6: full'])
    line.enter('c1') // four wait: a3, a4, a5, b1
    await line.settled()
    expect(line.refused).toEqual(['a6: full', 'a5: full'])
    line.enter('c2')
    line.enter('a7')
    await line.settled()
    expect(line.refused).toEqual(['a6: full', 'a5: full', 'c2: full', 'a7: full'])
  })

  test('lets a caller leave the queue, and leaves no listener behind', async () => {
    const line = openLine({ held: 1 })
    const [left, stays] = [new AbortController(), new AbortController()]
    line.enter('a1')
    line.enter('a2', left.signal)
    line.enter('a3', stays.signal)
    line.enter('a4', AbortSignal.abort(new Error('too late')))
    left.abort(new Error('gone'))
    await line.settled()
    expect(line.refused).toEqual(['a4: Error: too late', 'a2: Error: gone'])
    line.releaseFirst()
    await line.settled()
    expect(line.admitted).toEqual(['a1', 'a3'])
    expect([left, stays].flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([])
  })

  test('takes a slot back once', async () => {
    const semaphore = createFairSemaphore({ ...limits, held: 1 })
    const release = await semaphore.acquire('a', signal)
    const next = semaphore.acquire('a', signal)
    const last = semaphore.acquire('a', signal)
    release()
    release()
    const releaseNext = await next
    expect(await Promise.race([last, Promise.resolve('waits')])).toBe('waits')
    releaseNext()
    expect(await last).toBeTypeOf('function')
  })
})
