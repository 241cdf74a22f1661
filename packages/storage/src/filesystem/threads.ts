import type { Waiter } from '../fifo-queue.ts'
import { createFifoQueue } from '../fifo-queue.ts'

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

/** The threads that all stores share. Taken directly, they serve work whose volume is not known yet. */
export interface ThreadPool extends Threads {
  /** The threads for the files of one volume. Equal names share. */
  readonly of: (volume: string) => Threads
}

/**
 * A disk that hangs keeps its threads for ever. One thread is never given out, so logins go on: without it, four hung reads
 * would stop every name lookup and every signature check of the process.
 *
 * A volume with a thread leaves one for each volume without, up to half of all. So a volume that hangs does not stop the files
 * of the others.
 *
 * @param limit - how many threads may be taken at the same time; asked at the first `acquire`
 */
export function createThreads(limit: () => number): ThreadPool {
  /** Each begins the work that has waited longest for one volume. `false`: none waits, or it must leave the thread to others. */
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
    const mayTake = (most: number): boolean =>
      left > 0 && (taken === 0 || left > Math.min(idleVolumes, Math.floor(most / 2)))
    const take = (): void => {
      if (isVolume && taken === 0) idleVolumes--
      taken++
      left--
    }
    const threads: Threads = {
      acquire(begin) {
        if (total === undefined) {
          total = limit()
          left = total
        }
        if (!queue.isEmpty() || !mayTake(total)) return queue.push(begin)
        take()
        begin()
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

/** All threads of the pool but one, as libuv sizes it: 4, or `UV_THREADPOOL_SIZE` from 1 to 1,024. A pool of one is used. */
export function allButOneThread({ UV_THREADPOOL_SIZE: size = '4' }: NodeJS.ProcessEnv): number {
  const threads = Math.min(1024, Number.parseInt(size, 10) || 1)
  return Math.max(1, threads - 1)
}

/** For all filesystem stores of this process together. */
export const poolThreads: ThreadPool = createThreads(() => allButOneThread(process.env))

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
