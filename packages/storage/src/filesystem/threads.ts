import type { Waiter } from '../fifo-queue.ts'
import { createFifoQueue } from '../fifo-queue.ts'

/** A semaphore for libuv's thread pool. The file calls of the process share that pool with DNS and parts of node:crypto. */
export interface Threads {
  /**
   * Calls `work` when a thread is free. If one is free now, calls it at once and returns `undefined`. Otherwise returns the
   * waiter. Work that has started must call `release` exactly once.
   */
  readonly acquire: (work: () => void) => Waiter | undefined
  /** Removes waiting work from the queue. Has no effect on work that has started. */
  readonly cancel: (waiter: Waiter | undefined) => void
  /** Returns a thread. The work that has waited longest gets it. */
  readonly release: () => void
}

/** The threads that all stores share. `acquire` of the pool itself serves work before its volume is known. */
export interface ThreadPool extends Threads {
  /** The share of one volume, by its name. */
  readonly of: (volume: string) => Threads
}

/**
 * Creates the semaphore. A hanging disk keeps its threads for ever. So one thread of the pool is never given out: without it,
 * four hanging reads would stop all name lookups and signature checks of the process.
 *
 * One thread is reserved for each volume that uses none at the moment, up to half of all threads. So a hanging volume does
 * not stop the files of other volumes.
 *
 * @param limit - returns how many threads may be in use at a time; called once, at the first `acquire`
 */
export function createThreads(limit: () => number): ThreadPool {
  /**
   * One function for each owner of a share. It starts the oldest waiting work of its owner. It returns `false` if no work waits, or
   * if the free thread is reserved for other volumes.
   */
  const shares: (() => boolean)[] = []
  const volumes = new Map<string, Threads>()
  let total: number | undefined
  let left = 0
  let idleVolumes = 0
  let lastServed = 0

  const serveNext = (): void => {
    for (let step = 1; step <= shares.length; step++) {
      const index = (lastServed + step) % shares.length
      if (!shares[index]?.()) continue
      lastServed = index
      return
    }
  }

  const createShare = (isVolume: boolean): Threads => {
    const queue = createFifoQueue()
    let taken = 0
    const mayTake = (all: number): boolean =>
      left > 0 && (taken === 0 || left > Math.min(idleVolumes, Math.floor(all / 2)))
    const take = (): void => {
      if (isVolume && taken === 0) idleVolumes--
      taken++
      left--
    }
    const threads: Threads = {
      acquire(work) {
        if (total === undefined) {
          total = limit()
          left = total
        }
        if (!queue.isEmpty() || !mayTake(total)) return queue.push(work)
        take()
        work()
        return undefined
      },
      cancel: (waiter) => {
        if (waiter) queue.remove(waiter)
      },
      release() {
        taken--
        left++
        if (isVolume && taken === 0) idleVolumes++
        serveNext()
      },
    }
    const serve = (): boolean => {
      if (queue.isEmpty() || !mayTake(total ?? 0)) return false
      take()
      return queue.runNext()
    }
    if (isVolume) idleVolumes++
    shares.push(serve)
    return threads
  }

  return {
    ...createShare(false),
    of(volume) {
      const threads = volumes.get(volume) ?? createShare(true)
      volumes.set(volume, threads)
      return threads
    },
  }
}

/**
 * The size of libuv's pool minus one: the pool has 4 threads, or `UV_THREADPOOL_SIZE`, from 1 to 1,024. If it has one thread,
 * that one is used.
 */
export function allButOneThread({ UV_THREADPOOL_SIZE: size = '4' }: NodeJS.ProcessEnv): number {
  const threads = Math.min(1024, Number.parseInt(size, 10) || 1)
  return Math.max(1, threads - 1)
}

/** The pool threads that all filesystem stores of this process share. */
export const poolThreads: ThreadPool = createThreads(() => allButOneThread(process.env))

/** Called when work has ended, with its error or its result. */
export type Done<T> = (error: unknown, result?: T) => void

/**
 * Runs work when a pool thread is free. When the signal fires, the promise rejects at once with its reason. Work that has
 * started cannot be stopped; its late result goes to `discard`.
 *
 * @param work - called when it has a thread. It must call `release` when its last file call has ended
 */
export function runOnThread<T>(
  threads: Threads,
  signal: AbortSignal,
  work: (done: Done<T>) => void,
  discard?: (result: T) => void,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let awaited = true
    const settle = (): void => {
      awaited = false
      signal.removeEventListener('abort', leave)
    }
    const done: Done<T> = (error, result) => {
      if (!awaited) return result === undefined ? undefined : discard?.(result)
      settle()
      if (error === undefined) resolve(result)
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
    waiter = threads.acquire(() => work(done))
  })
}
