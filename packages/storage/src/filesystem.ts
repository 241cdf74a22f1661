import { resolve } from 'node:path'

import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { nodeDisk } from './filesystem/disk.ts'
import { createFiles } from './filesystem/files.ts'
import { diskUnder } from './filesystem/local-disk.ts'
import { poolThreads } from './filesystem/threads.ts'
import { processMemory } from './memory-budget.ts'

/** Where the files lie. */
export interface FilesystemStoreOptions {
  /**
   * The folder whose files are the objects: the key `acme/1.jsonl` is the file `<root>/acme/1.jsonl`. It may be a link, and
   * is resolved once, by the first call that finds it. Mount volumes below it before that.
   */
  readonly root: string
  /**
   * `'refuse'`: a file with more than one name (a hard link) is refused with `'upstream_error'`, because another name may lie
   * outside the root: whoever can write into the root can then give out files from outside it. `'allow'`: such files are
   * served, as folders need whose files are shared by `cp -l`, `rsync --link-dest` or a deduplicating tool.
   * @defaultValue `'refuse'`
   */
  readonly hardLinks?: 'refuse' | 'allow'
}

/**
 * Exports as files on a disk or a mounted volume.
 *
 * Only regular files below the root are served, and each is judged through its open descriptor. A symbolic link, a folder, a
 * pipe or a device below the root, a file with several names unless `hardLinks` allows it, and a key with `..`, an empty
 * segment, a backslash or a NUL, is refused with `'upstream_error'`; a missing file is `undefined`; a root that is not there, a
 * file that may not be read, a disk error and a process out of descriptors are `'unavailable'`.
 *
 * The validator is size and modification time in nanoseconds, so it is equal on every copy that keeps times. Write an export
 * under another name and rename it: a download that runs then still gets the old bytes, whole. Writing into a file that is
 * being downloaded, or giving it another hard link, ends the download with `'object_changed'`, seen at the latest before its
 * last chunk. Two kinds of writers are not detected, because they leave nothing to compare: one that writes in place, to the
 * same size, and sets the modification time back (`utimes`, `rsync --times --inplace`) between two downloads; and one that does
 * so within a download and then removes the file's name. Never write in place.
 *
 * Creating a store touches no disk: a hanging volume cannot stop the process. All stores of the process together take at most
 * all but one of libuv's pool threads, so that a hanging disk stops only downloads; and a volume leaves a thread for each other
 * one, so that it stops only its own. Set `UV_THREADPOOL_SIZE` to 64: with the
 * default of 4, all downloads share three threads.
 *
 * @throws TypeError that names each wrong option
 */
export function createFilesystemStore(options: FilesystemStoreOptions): ExportStore {
  check.checkOptions('createFilesystemStore', options, filesystemOptions)
  const { root, hardLinks = 'refuse' } = options
  const around = {
    disk: nodeDisk,
    diskUnder,
    threads: poolThreads,
    memory: processMemory,
    now: () => performance.now(),
  }
  return createFiles(resolve(root), hardLinks, around)
}

const filesystemOptions = check.object<FilesystemStoreOptions>('{ root, hardLinks? }', {
  root: check.accept<string>(
    "the path of the exports' folder, as in '/var/exports'",
    (value): value is string => typeof value === 'string' && value !== '' && !value.includes('\0'),
  ),
  hardLinks: check.oneOf('refuse', 'allow').optional(),
})
