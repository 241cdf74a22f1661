import type { ExportStore } from '@sallyport/core'

import { type Disk, type FoundDisk, nodeDisk } from '../../src/filesystem/disk.ts'
import { createFiles } from '../../src/filesystem/files.ts'
import type { FilesystemRuntime } from '../../src/filesystem/root.ts'
import { createThreads } from '../../src/filesystem/threads.ts'
import { createMemoryBudget } from '../../src/memory-budget.ts'

/** The real disk, but for these calls, and the descriptors that came and went. */
export function watchedDisk(faults: Partial<Disk> = {}): { disk: Disk; opened: number[]; closed: number[] } {
  const opened: number[] = []
  const closed: number[] = []
  const disk: Disk = {
    ...nodeDisk,
    ...faults,
    open: (path, flags, called) =>
      (faults.open ?? nodeDisk.open)(path, flags, (error, descriptor) => {
        if (!error) opened.push(descriptor)
        called(error, descriptor)
      }),
    close: (descriptor, seen, called) => {
      closed.push(descriptor)
      nodeDisk.close(descriptor, seen, called)
    },
  }
  return { disk, opened, closed }
}

/**
 * A store with three threads of its own, on a disk and a clock of the test's.
 *
 * @param runtime - its `disk` has the files
 * @param search - the disk that the root is searched for on
 */
export function storeOn(
  root: string,
  runtime: Partial<FilesystemRuntime>,
  search: Disk = nodeDisk,
): ExportStore {
  const { disk = nodeDisk } = runtime
  const whole = {
    diskUnder: (path: string, called: FoundDisk) => called(disk, path, false),
    threads: createThreads(() => 3),
    memory: createMemoryBudget(10_000_000),
    now: () => performance.now(),
    blocksRead: () => 0,
    ...runtime,
    disk: search,
  }
  return createFiles(root, 'refuse', whole)
}

/** An error of the disk. */
export const diskError = (code: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: /secret/path of the disk`), { code })
