import type { BigIntStats } from 'node:fs'

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
