import { resolve } from 'node:path'

import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { nodeDisk } from './filesystem/disk.ts'
import { createFiles } from './filesystem/files.ts'
import { diskUnder } from './filesystem/local-disk.ts'
import { poolThreads } from './filesystem/threads.ts'
import { processMemory } from './memory-budget.ts'

/** The options of {@link createFilesystemStore}. */
export interface FilesystemStoreOptions {
  /**
   * The folder whose files are the objects: the key `acme/1.jsonl` is the file `<root>/acme/1.jsonl`. It may be a symbolic
   * link. The store resolves it once, at the first call that finds it. Mount volumes below it before that.
   */
  readonly root: string
  /**
   * `'refuse'`: a file with more than one hard link is refused with `'upstream_error'`. Somebody who can write into the root
   * could otherwise link a file from outside the root into it. `'allow'`: such files are served. Choose it if `cp -l`,
   * `rsync --link-dest` or a deduplicating tool makes the links.
   * @defaultValue `'refuse'`
   */
  readonly hardLinks?: 'refuse' | 'allow'
}

/**
 * Creates a store whose objects are files on a disk or a mounted volume.
 *
 * The store serves only regular files below the root. It checks each file through its open descriptor.
 *
 * - A missing file gives `undefined`.
 * - `'upstream_error'`: below the root, the path is or crosses a symbolic link, or it is a folder, a pipe or a device; the file
 *   has several hard links and `hardLinks` is `'refuse'`; the key has `..`, an empty segment, a backslash or a NUL.
 * - `'unavailable'`: the root is missing, the file may not be read, the disk fails, or the process has no descriptor left.
 *
 * The validator is the file's size and its modification time in nanoseconds. It is equal on every copy that keeps times. Write
 * an export under another name and rename it: a running download then still gets the old bytes, complete. If somebody writes
 * into a file during a download, or adds a hard link to it, the download ends with `'object_changed'`, at the latest before its
 * last chunk.
 *
 * Never write in place. The store cannot detect a writer that keeps the size and sets the modification time back (`utimes`,
 * `rsync --times --inplace`) between two downloads. It cannot detect one during a download either, if the writer then deletes
 * the file.
 *
 * Creating a store does not touch the disk, so a hanging volume cannot stop the process from starting. All stores of the process
 * together use at most all but one of libuv's pool threads, so a hanging disk stops only downloads. One thread is
 * reserved for each volume that has no thread in use, up to half of all threads, so a hanging volume stops only its own
 * downloads. Set `UV_THREADPOOL_SIZE` to 64. With the default of 4, all downloads share three threads. On a local disk, a file of at
 * most 64 KiB that was read in the last 10 seconds is read again without a thread, from the kernel's memory.
 *
 * @throws TypeError that names each wrong option
 */
export function createFilesystemStore(options: FilesystemStoreOptions): ExportStore {
  check.checkOptions('createFilesystemStore', options, filesystemOptions)
  const { root, hardLinks = 'refuse' } = options
  const runtime = {
    disk: nodeDisk,
    diskUnder,
    threads: poolThreads,
    memory: processMemory,
    now: () => performance.now(),
    blocksRead: () => process.resourceUsage().fsRead,
  }
  return createFiles(resolve(root), hardLinks, runtime)
}

const isFileUrl = (value: unknown): boolean =>
  value instanceof URL || (typeof value === 'string' && /^file:/i.test(value))

const filesystemOptions = check.object<FilesystemStoreOptions>('{ root, hardLinks? }', {
  root: check.accept<string>(
    "the path of the exports' folder, as in '/var/exports'",
    (value): value is string =>
      typeof value === 'string' && value !== '' && !value.includes('\0') && !isFileUrl(value),
    (value) => (isFileUrl(value) ? 'a URL: give fileURLToPath(url)' : check.kindOf(value)),
  ),
  hardLinks: check.oneOf('refuse', 'allow').optional(),
})
