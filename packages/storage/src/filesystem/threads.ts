import { createFifoQueue, type Waiter } from '../fifo-queue.ts'

/** A semaphore for libuv's thread pool, which all file calls of the process share with DNS and parts of node:crypto. */
export interface Threads {
  /**
   * Calls `begin` as soon as there is a free thread: at once, and then returns `undefined`, or later, and then returns the
   * waiter. Work that has begun gives its thread back with `release`, exactly once.
   */
  readonly acquire: (begin: () => void) => Waiter | undefined
  /** Work that waits is not begun any more. Work that has begun is not affected. */
  readonly cancel: (waiter: Waiter | undefined) => void
  /** Gives a thread back. It goes to the work that has waited longest. */
  readonly release: () => void
}

/**
 * A disk that hangs keeps its threads for ever. One thread is never given out, so logins go on: without it, four hung reads
 * would stop every name lookup and every signature check of the process.
 *
 * @param limit - how many threads may be taken at the same time; asked at the first `acquire`
 */
export function createThreads(limit: () => number): Threads {
  const queue = createFifoQueue()
  let left: number | undefined
  return {
    acquire(begin) {
      left ??= limit()
      if (left === 0) return queue.push(begin)
      left--
      begin()
      return undefined
    },
    cancel: (waiter) => {
      if (waiter) queue.remove(waiter)
    },
    release() {
      if (!queue.runNext()) left = (left ?? 0) + 1
    },
  }
}

/** All threads of the pool but one, as libuv sizes it: 4, or `UV_THREADPOOL_SIZE` from 1 to 1,024. A pool of one is used. */
export function allButOneThread({ UV_THREADPOOL_SIZE: size = '4' }: NodeJS.ProcessEnv): number {
  const threads = Math.min(1024, Number.parseInt(size, 10) || 1)
  return Math.max(1, threads - 1)
}

/** For all filesystem stores of this process together. */
export const poolThreads: Threads = createThreads(() => allButOneThread(process.env))
