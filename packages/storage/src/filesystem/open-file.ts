import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'

import type { Disk } from './disk.ts'
import { isAbsent, refusal, diskRefusal } from './refusals.ts'
import type { Done } from './threads.ts'

/** An open descriptor and its `fstat`. */
export interface OpenFile {
  readonly descriptor: number
  readonly stats: BigIntStats
}

// Do not follow a symbolic link, do not wait for a pipe, do not take over a terminal. A flag that a system lacks counts as 0.
export const OPEN_FLAGS: number =
  constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

/** `'refuse'`: a file with more than one hard link is refused. */
export type HardLinks = 'refuse' | 'allow'

/**
 * Opens the regular file at exactly this path. It refuses a path that crosses a symbolic link. All checks use the open
 * descriptor, so they concern the file that was opened, even if the path changes meanwhile.
 *
 * @param path - its part up to the root must be a real path
 * @param done - called without arguments if the path does not exist
 */
export function openFile(disk: Disk, path: string, hardLinks: HardLinks, done: Done<OpenFile>): void {
  disk.open(path, OPEN_FLAGS, (error, descriptor) => {
    if (error) return done(isAbsent(error) ? undefined : diskRefusal(error))
    disk.fstat(descriptor, (error, stats) => {
      if (error) return disk.close(descriptor, undefined, () => done(diskRefusal(error)))
      const fail = (reason: unknown): void => disk.close(descriptor, stats, () => done(reason))
      if (!stats.isFile()) return fail(refusal('upstream_error', new Error('not a regular file')))
      if (hardLinks === 'refuse' && stats.nlink > 1n) {
        const cause = new Error(`the file has ${stats.nlink} hard links; set hardLinks: 'allow' to serve it`)
        return fail(refusal('upstream_error', cause))
      }
      const file = { descriptor, stats }
      checkPath(disk, path, file, (error) => (error === undefined ? done(undefined, file) : fail(error)))
    })
  })
}

/** Linux adds this to the path of a deleted or replaced file. The descriptor still has the file that was at the path. */
const DELETED = ' (deleted)'

function checkPath(disk: Disk, path: string, file: OpenFile, done: (error?: unknown) => void): void {
  let seen: string
  try {
    seen = disk.pathOf(file.descriptor)
  } catch {
    return checkRealPath(disk, path, file, done)
  }
  done(seen === path || seen === path + DELETED ? undefined : refusal('upstream_error'))
}

/** For systems without procfs: the path must be a real path, and still lead to the file that was opened. */
function checkRealPath(disk: Disk, path: string, { stats }: OpenFile, done: (error?: unknown) => void): void {
  disk.realpath(path, (error, real) => {
    if (error) return done(diskRefusal(error))
    if (real !== path) return done(refusal('upstream_error'))
    disk.stat(path, (error, now) => {
      if (error) return done(diskRefusal(error))
      done(now.ino === stats.ino && now.dev === stats.dev ? undefined : refusal('object_changed'))
    })
  })
}

/** The members of an `fstat` that show whether a file has changed. */
export type FileState = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'nlink'>

/**
 * Whether the bytes of an open file are still the same as at `before`.
 *
 * ctime reveals a writer that sets mtime back. Deleting the file, or renaming another file over it, changes ctime too, though
 * the bytes stay. So ctime is not compared if `nlink` has fallen. Adding a hard link also changes ctime, but it cannot be
 * distinguished from a write whose mtime was set back. So a file with a new hard link counts as changed.
 */
export const isUnchanged = (before: FileState, now: FileState): boolean =>
  now.size === before.size &&
  now.mtimeNs === before.mtimeNs &&
  (now.nlink < before.nlink || (now.nlink === before.nlink && now.ctimeNs === before.ctimeNs))
