import { execFileSync } from 'node:child_process'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { onTestFinished } from 'vitest'

import { openFiles } from '../../../../scripts/servers/open-files.ts'

/** A folder of the running test's own, gone after it. */
export async function temporaryFolder(parent = tmpdir()): Promise<string> {
  const folder = await realpath(await mkdtemp(join(parent, 'sallyport-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The files below a folder that this process holds open, as Linux tells it. */
export const heldOpenBelow = (folder: string): readonly string[] =>
  openFiles().filter((path) => path.startsWith(folder))

/** Makes a pipe that nobody writes to. */
export function makePipe(path: string): string {
  execFileSync('sh', ['-c', 'mkfifo "$0"', path])
  return path
}
