import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, realpath, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { isHere } from './available.ts'
import { startDaemon, until } from './daemon.ts'

/** A folder on a FUSE volume that can hang, like the volume of a lost file server. */
export interface HangingFolder {
  readonly path: string
  /** Makes every call below the path wait. */
  readonly hang: () => void
  readonly goOn: () => void
  readonly end: () => Promise<void>
}

/** Whether this machine can mount a FUSE volume. */
export const canHang = (): boolean => isHere('bindfs') && existsSync('/dev/fuse') && process.getuid?.() === 0

export async function startHangingFolder(original: string): Promise<HangingFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-hanging-')))
  const isMounted = (): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${path} `)
  const volume = startDaemon('bindfs', ['-f', original, path])
  await until('the folder is mounted', isMounted)
  return {
    path,
    hang: () => volume.freeze(),
    goOn: () => volume.thaw(),
    end: async () => {
      await volume.end('SIGTERM') // it unmounts the volume itself
      await rmdir(path)
    },
  }
}
