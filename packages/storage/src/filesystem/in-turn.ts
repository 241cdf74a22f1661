import type { Waiter } from '../fifo-queue.ts'
import type { Threads } from './threads.ts'

/** Ends work: with an error, or with what it found. */
export type End<T> = (error: unknown, found?: T) => void

/**
 * Waits for work on a pool thread, but not longer than the caller does: the signal settles it at once, with its reason. Work
 * that has begun cannot be stopped, and what it then finds goes to `discard`.
 *
 * @param work - called with a thread in hand, which it gives back when its last call has ended
 */
export function inTurn<T>(
  threads: Threads,
  signal: AbortSignal,
  work: (end: End<T>) => void,
  discard?: (found: T) => void,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let awaited = true
    const settle = (): void => {
      awaited = false
      signal.removeEventListener('abort', leave)
    }
    const end: End<T> = (error, found) => {
      if (!awaited) return found === undefined ? undefined : discard?.(found)
      settle()
      if (error === undefined) resolve(found)
      else reject(error)
    }
    let waiter: Waiter | undefined
    const leave = (): void => {
      settle()
      threads.cancel(waiter)
      reject(signal.reason)
    }
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave, { once: true })
    waiter = threads.acquire(() => work(end))
  })
}
