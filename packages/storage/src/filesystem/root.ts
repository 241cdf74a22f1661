import type { Around } from './around.ts'
import { inTurn } from './in-turn.ts'
import { refusedAs } from './refusals.ts'

/** The folder that every file lies below. */
export interface Root {
  /** Its real path; a promise of it while it could not be found yet. Rejects with `'unavailable'` where it still cannot. */
  path(signal: AbortSignal): string | Promise<string>
  /** Asked where a file is missing: ends with `'unavailable'` where it is the root that is. Needs a thread in hand. */
  confirm(end: (error?: unknown) => void): void
}

/**
 * @param given - an absolute path, perhaps of a link
 * @param real - what it led to at creation. From then on the root stays there, wherever the link may point
 */
export function createRoot({ disk, threads }: Around, given: string, real: string | undefined): Root {
  let known = real

  const find = async (signal: AbortSignal): Promise<string> => {
    const found = await inTurn<string>(threads, signal, (end) =>
      disk.realpath(given, (error, path) => {
        threads.free()
        end(error ? refusedAs('unavailable', error) : undefined, path)
      }),
    )
    known ??= found
    return known ?? given
  }

  return {
    path: (signal) => known ?? find(signal),
    confirm: (end) =>
      disk.stat(known ?? given, (error, stats) => {
        if (error) return end(refusedAs('unavailable', error))
        end(stats.isDirectory() ? undefined : refusedAs('unavailable', new Error('the root is no folder')))
      }),
  }
}
