import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'

import type { Disk } from './disk.ts'
import { isAbsent, refusedAs, refusedBy } from './refusals.ts'
import type { End } from './threads.ts'

/** An open descriptor, and what was seen through it. */
export interface OpenFile {
  readonly descriptor: number
  readonly stats: BigIntStats
}

// A link is not followed, a pipe not waited for, a terminal not made ours. Where a system lacks one of them it counts as 0.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

/** `'refuse'`: a file that has more than one name is refused. */
export type HardLinks = 'refuse' | 'allow'

/**
 * Opens the regular file that lies at exactly this path, with no link on the way. Path and file are looked at only once:
 * what is seen belongs to what was opened.
 *
 * @param path - real but for what lies below the root
 * @param end - with nothing where the disk knows no such path
 */
export function openFile(disk: Disk, path: string, hardLinks: HardLinks, end: End<OpenFile>): void {
  disk.open(path, FLAGS, (error, descriptor) => {
    if (error) return end(isAbsent(error) ? undefined : refusedBy(error))
    disk.fstat(descriptor, (error, stats) => {
      if (error) return disk.close(descriptor, undefined, () => end(refusedBy(error)))
      const fail = (reason: unknown): void => disk.close(descriptor, stats, () => end(reason))
      if (!stats.isFile()) return fail(refusedAs('upstream_error', new Error('this is no regular file')))
      if (hardLinks === 'refuse' && stats.nlink > 1n) {
        const cause = new Error(`the file has ${stats.nlink} names; hardLinks: 'allow' serves such files`)
        return fail(refusedAs('upstream_error', cause))
      }
      const file = { descriptor, stats }
      whetherAt(disk, path, file, (error) => (error === undefined ? end(undefined, file) : fail(error)))
    })
  })
}

/** A file that has been deleted or replaced since is still the one that lay there. */
const DELETED = ' (deleted)'

function whetherAt(disk: Disk, path: string, file: OpenFile, end: (error?: unknown) => void): void {
  let seen: string
  try {
    seen = disk.pathOf(file.descriptor)
  } catch {
    return whetherRealAndSame(disk, path, file, end)
  }
  end(seen === path || seen === path + DELETED ? undefined : refusedAs('upstream_error'))
}

/** Where a descriptor does not tell its path: the path must be a real one, and still lead to the opened file. */
function whetherRealAndSame(
  disk: Disk,
  path: string,
  { stats }: OpenFile,
  end: (error?: unknown) => void,
): void {
  disk.realpath(path, (error, real) => {
    if (error) return end(refusedBy(error))
    if (real !== path) return end(refusedAs('upstream_error'))
    disk.stat(path, (error, now) => {
      if (error) return end(refusedBy(error))
      end(now.ino === stats.ino && now.dev === stats.dev ? undefined : refusedAs('object_changed'))
    })
  })
}

/** What a look at an open file remembers. */
export type Look = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'nlink'>

/**
 * Whether the bytes of an open file are still those of `before`.
 *
 * ctime reveals a writer that sets mtime back. Removing a name of the file changes ctime too, though the bytes stay: renaming
 * another file over this one does, and so does deleting it. So ctime is not compared where `nlink` has fallen. Adding a hard
 * link also changes ctime, but nothing tells it from a write whose mtime was set back. So a file with a new name is taken
 * as changed.
 */
export const isUnchanged = (before: Look, now: Look): boolean =>
  now.size === before.size &&
  now.mtimeNs === before.mtimeNs &&
  (now.nlink < before.nlink || (now.nlink === before.nlink && now.ctimeNs === before.ctimeNs))
