import { abortable } from '@sallyport/core'

import type { MemoryBudget } from '../memory-budget.ts'
import type { Disk } from './disk.ts'
import { refusedAs } from './refusals.ts'
import type { ThreadPool, Threads } from './threads.ts'

/** The folder that every file lies below, once it has been found. */
export interface Root {
  /** Its real path. Later changes of a link that led here are not followed. */
  readonly path: string
  /** The calls for the files below it. */
  readonly disk: Disk
  /** The threads for them, which all roots of this volume share. */
  readonly threads: Threads
}

/**
 * Finds the root at first use: its real path and the kind of its volume, one call after the other on one pool thread. Nothing
 * runs on the event loop, so a volume that hangs stops only the callers of this root. Callers share one search, so that
 * however many wait, it takes one thread. A root that could not be found is searched for again at the next call.
 *
 * @param given - an absolute path; it may be a link
 * @returns the root, or a promise of it while it is not known. The promise rejects with `'unavailable'` where there is no such
 *   path, and with the signal's reason once the signal fires
 */
export function createRoot(
  { disk, diskUnder, threads }: Around,
  given: string,
): (signal: AbortSignal) => Root | Promise<Root> {
  let known: Root | undefined
  let searching: Promise<Root> | undefined

  const search = (): Promise<Root> =>
    new Promise((resolve, reject) => {
      threads.acquire(() =>
        disk.realpath(given, (error, path) => {
          if (error) {
            threads.release()
            return reject(refusedAs('unavailable', error))
          }
          diskUnder(path, (local, volume) => {
            threads.release()
            known = { path, disk: local, threads: threads.of(volume) }
            resolve(known)
          })
        }),
      )
    })
  const forget = (): void => {
    searching = undefined
  }

  return (signal) => {
    if (known) return known
    if (signal.aborted) return Promise.reject(signal.reason)
    if (!searching) {
      searching = search()
      searching.then(forget, forget)
    }
    return abortable(searching, signal)
  }
}

/** Asked where a file is missing: ends with `'unavailable'` where the root itself is missing. Needs a thread in hand. */
export function confirmRoot({ path, disk }: Root, end: (error?: unknown) => void): void {
  disk.stat(path, (error, stats) => {
    if (error) return end(refusedAs('unavailable', error))
    end(stats.isDirectory() ? undefined : refusedAs('unavailable', new Error('the root is no folder')))
  })
}

/** What a store needs of its process. */
export interface Around {
  /** For paths whose volume is not known yet: each call waits on a pool thread. */
  readonly disk: Disk
  /** Looks at the volume under a resolved path, on one pool thread. Gives the calls for the files below it, and its name. */
  readonly diskUnder: (path: string, called: (disk: Disk, volume: string) => void) => void
  readonly threads: ThreadPool
  readonly memory: MemoryBudget
  /** Milliseconds, never going back. */
  readonly now: () => number
}
