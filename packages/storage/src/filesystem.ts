import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'

import type { ExportStore } from '@sallyport/core'

import { checkNames } from './check-options.ts'
import { createFiles } from './filesystem/files.ts'
import { diskUnder } from './filesystem/local-disk.ts'
import { createRoot } from './filesystem/root.ts'
import { poolThreads } from './filesystem/threads.ts'
import { processMemory } from './memory-budget.ts'

/** Where the files lie. */
export interface FilesystemStoreOptions {
  /**
   * The folder whose files are the objects: the key `acme/1.jsonl` is the file `<root>/acme/1.jsonl`. It may be a link, and
   * is resolved once: at creation, or if it is not there yet at the first use that finds it.
   */
  readonly root: string
}

/**
 * Exports as files on a disk or a mounted volume.
 *
 * Only regular files below the root are given out, and each is judged through its open descriptor. A link, a folder, a
 * pipe or a device below the root, and a key with `..`, an empty segment, a backslash or a NUL, is refused with
 * `'upstream_error'`; a missing file is `undefined`; a root that is not there, a file that may not be read, a disk error and
 * a process out of descriptors are `'unavailable'`.
 *
 * The validator is size and modification time in nanoseconds, so it is equal on every copy that keeps times. Write an export
 * under another name and rename it: a download that runs then still gets the old bytes, whole. Writing into a file that is
 * being downloaded ends the download with `'object_changed'`, seen at the latest before its last chunk. What no store
 * can see: a file written in place, to the same size, whose modification time is set back (`utimes`, `rsync --times
 * --inplace`) or stamped by a clock too coarse to differ, between two downloads. A sha256 in the record is the cure.
 *
 * At most all but one of libuv's pool threads are taken, by all stores of the process together, so that a hanging disk
 * stops only downloads. Raise `UV_THREADPOOL_SIZE` (4) to 64: the others need not wait for so few.
 *
 * @throws TypeError that names the option, where it is unknown, or `root` is no text or empty
 */
export function createFilesystemStore(options: FilesystemStoreOptions): ExportStore {
  checkNames('createFilesystemStore', options, ['root'])
  const { root } = options
  if (!isPath(root)) throw new TypeError("root: write the path of the exports' folder, as in '/var/exports'")
  const given = resolve(root)
  const real = realPath(given)
  const around = {
    disk: diskUnder(real),
    threads: poolThreads,
    memory: processMemory,
    now: () => performance.now(),
  }
  return createFiles(createRoot(around, given, real), around)
}

const isPath = (root: unknown): boolean => typeof root === 'string' && root !== '' && !root.includes('\0')

/** Synchronous, for it runs at start-up only. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch {
    return undefined
  }
}
