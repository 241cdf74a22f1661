import { type BigIntStats, closeSync, fstatSync, readFile, stat, statfs } from 'node:fs'

import { BIGINT, type Disk, nodeDisk } from './disk.ts'

/**
 * As Linux names them in `statfs`: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs. Not overlayfs, which may lie over a network, nor
 * ZFS, where a suspended pool stops every call.
 */
const LOCAL = new Set([0xef53n, 0x58465342n, 0x9123683en, 0xf2f52010n, 0x01021994n])

/**
 * Gives the calls for the files below a resolved path, and its device as the volume's name. A pool thread costs ten times the call that it makes. So on a local
 * filesystem `fstat` and `close` run synchronously for files on the path's device: they touch memory only and cannot hang.
 * A network or FUSE volume can hang in each call, also one that is mounted below the path.
 *
 * Looks at the volume with one call after the other, each on a pool thread: the path itself may be on a volume that hangs.
 */
export function diskUnder(path: string, called: (disk: Disk, volume: string) => void): void {
  stat(path, BIGINT, (error, folder) => {
    if (error) return called(nodeDisk, 'unknown')
    const volume = String(folder.dev)
    if (process.platform !== 'linux') return called(nodeDisk, volume)
    statfs(path, BIGINT, (error, found) => {
      if (error || !LOCAL.has(BigInt.asUintN(32, found.type))) return called(nodeDisk, volume)
      const local = localDisk(folder.dev)
      readFile('/proc/self/mountinfo', 'utf8', (error, mounts) =>
        called(!error && standsAlone(path, mounts) ? { ...local, fstat: firstLook } : local, volume),
      )
    })
  })
}

/** {@link nodeDisk}, with short cuts for files that are known to lie on this device. */
export const localDisk = (local: bigint): Disk => ({
  ...nodeDisk,
  lookAgain(descriptor, device, called) {
    const seen = device === local ? lookNow(descriptor) : undefined
    if (seen) called(null, seen)
    else nodeDisk.lookAgain(descriptor, device, called)
  },
  close(descriptor, seen, called) {
    if (seen?.dev !== local || !closesAtOnce(descriptor, seen.size))
      return nodeDisk.close(descriptor, seen, called)
    closeNow(descriptor)
    called()
  },
})

/** The last close of a file without a name frees its blocks: for gigabytes that takes a second or more. */
const closesAtOnce = (descriptor: number, size: bigint): boolean =>
  size <= FEW_BLOCKS || (lookNow(descriptor)?.nlink ?? 0n) > 0n

const FEW_BLOCKS = 1_048_576n

const firstLook: Disk['fstat'] = (descriptor, called) => {
  const seen = lookNow(descriptor)
  if (seen) called(null, seen)
  else nodeDisk.fstat(descriptor, called)
}

/** Undefined where it fails: asking again on a thread will tell why. */
function lookNow(descriptor: number): BigIntStats | undefined {
  try {
    return fstatSync(descriptor, BIGINT)
  } catch {
    return undefined
  }
}

/** What an error of close tells is old news of a write. The descriptor is gone in any case, and not closed again. */
function closeNow(descriptor: number): void {
  try {
    closeSync(descriptor)
  } catch {}
}

/**
 * Whether no other volume is mounted below a path.
 *
 * @param mounts - the text of `/proc/self/mountinfo` (proc(5)): the mount point is the fifth field of each line
 */
export function standsAlone(path: string, mounts: string): boolean {
  const folder = path.endsWith('/') ? path : `${path}/`
  const written = folder.replaceAll(
    /[ \t\n\\]/g,
    (character) => `\\0${character.codePointAt(0)?.toString(8) ?? ''}`,
  )
  return !mounts.split('\n').some((line) => line.split(' ')[4]?.startsWith(written))
}
