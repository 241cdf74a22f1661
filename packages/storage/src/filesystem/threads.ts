import { createFifoQueue, type Waiter } from '../fifo-queue.ts'

/** A semaphore for libuv's thread pool, which all file calls of the process share with DNS and parts of node:crypto. */
export interface Threads {
  /**
   * Begins at once, or when a thread is free: then it gives the waiter. What has begun gives its thread back
   * with `free`, exactly once.
   */
  readonly take: (begin: () => void) => Waiter | undefined
  /** What waits begins no more. Asked of what has begun: nothing happens. */
  readonly withdraw: (waiter: Waiter | undefined) => void
  /** Gives a thread back, to the one that has waited longest. */
  readonly free: () => void
}

/**
 * A disk that hangs keeps its threads for ever. With one always left over, logins go on: without it, four hung reads stop
 * every name lookup and every signature check of the process.
 *
 * @param limit - how many may be taken at the same time; asked at the first `take`
 */
export function createThreads(limit: () => number): Threads {
  const queue = createFifoQueue()
  let left: number | undefined
  return {
    take(begin) {
      left ??= limit()
      if (left === 0) return queue.push(begin)
      left--
      begin()
      return undefined
    },
    withdraw: (waiter) => {
      if (waiter) queue.remove(waiter)
    },
    free() {
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
