import { abortable } from '@sallyport/core'

import type { MemoryBudget } from '../memory-budget.ts'
import type { Disk, FoundDisk } from './disk.ts'
import { refusal } from './refusals.ts'
import type { ThreadPool, Threads } from './threads.ts'
import { createWarmFiles, type WarmFiles } from './warm-files.ts'

/** The folder that contains all files, with its real path. */
export interface Root {
  /** The real path. If the configured path is a symbolic link, later changes of the link have no effect. */
  readonly path: string
  /** The file calls to use below the root. */
  readonly disk: Disk
  /** The threads for these calls. All roots on one volume share them. */
  readonly threads: Threads
  /** The files that can be read without a thread. Absent: the root is not on a local filesystem, so there are none. */
  readonly warm?: WarmFiles
}

/**
 * Returns a function that finds the root at its first call: the real path, and the kind of volume. All calls of one search run
 * one after the other on one pool thread, never on the event loop, so a hanging volume stops only the callers of this root.
 * Concurrent callers share one search. After a failed search, the next call searches again.
 *
 * @param given - an absolute path; it may be a symbolic link
 * @returns a function that gives the root, or a promise of it until it is known. The promise rejects with `'unavailable'` if
 *   the path does not exist, and with the signal's reason when the signal fires
 */
export function createRoot(
  { disk, diskUnder, threads, now, blocksRead }: FilesystemRuntime,
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
            return reject(refusal('unavailable', error))
          }
          diskUnder(path, (local, volume, isLocal) => {
            threads.release()
            known = {
              path,
              disk: local,
              threads: threads.of(volume),
              ...(isLocal && { warm: createWarmFiles(now, blocksRead) }),
            }
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

/**
 * Checks that the root exists, after a file below it was missing. Calls back with `'unavailable'` if it does not. The caller
 * must hold a thread.
 */
export function confirmRoot({ path, disk }: Root, done: (error?: unknown) => void): void {
  disk.stat(path, (error, stats) => {
    if (error) return done(refusal('unavailable', error))
    done(stats.isDirectory() ? undefined : refusal('unavailable', new Error('the root is not a folder')))
  })
}

/** What a store takes from its process. Tests pass their own. */
export interface FilesystemRuntime {
  /** The file calls for paths whose volume is not known yet. Each call runs on a pool thread. */
  readonly disk: Disk
  /** Examines the volume of a resolved path, on one pool thread. */
  readonly diskUnder: (path: string, callback: FoundDisk) => void
  readonly threads: ThreadPool
  readonly memory: MemoryBudget
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  /** How many blocks this process has read from disks (getrusage(2), ru_inblock). */
  readonly blocksRead: () => number
}
