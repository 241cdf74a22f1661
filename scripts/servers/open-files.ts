import { existsSync, readdirSync, readlinkSync } from 'node:fs'

import { TestRunner } from 'vitest'

/**
 * Lists the open files, sockets and pipes of a process, one for each descriptor, with their names in `/proc`. If the system
 * has no `/proc`, the running test is skipped with that reason.
 *
 * @param pid - absent: this process
 */
export function openFiles(pid: number | 'self' = 'self'): readonly string[] {
  const folder = `/proc/${pid}/fd`
  needsProc()
  return readdirSync(folder).flatMap((descriptor) => {
    try {
      return [readlinkSync(`${folder}/${descriptor}`)]
    } catch {
      return [] // the listing's own descriptor, closed by now
    }
  })
}

/** Skips the running test, with the reason, if the system has no `/proc` as Linux has it. */
export function needsProc(): void {
  if (!existsSync('/proc/self/fd'))
    skipRunningTest('this system has no /proc that shows processes and descriptors')
}

function skipRunningTest(reason: string): never {
  const running = TestRunner.getCurrentTest()
  if (!running) throw new Error(reason)
  return running.context.skip(reason)
}
