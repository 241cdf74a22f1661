import { type BigIntStats, closeSync, fstatSync, readFile, stat, statfs } from 'node:fs'

import { BIGINT, type Disk, type FoundDisk, nodeDisk } from './disk.ts'

/**
 * Types of local filesystems in Linux's `statfs`: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs. Not overlayfs, because it may use a
 * network volume. Not ZFS, because a suspended pool blocks every call.
 */
const LOCAL = new Set([0xef53n, 0x58465342n, 0x9123683en, 0xf2f52010n, 0x01021994n])

/**
 * Finds the file calls to use below a resolved path, and the name of its volume, which is the device.
 *
 * Running a call on a pool thread costs ten times the call. So on a local filesystem, `fstat` and `close` run synchronously for
 * files on the path's device: they touch memory only and cannot hang. On a network or FUSE volume, which may be mounted below
 * the path, every call can hang.
 *
 * Every call that this function makes runs on a pool thread, because the path itself may be on a hanging volume.
 */
export function diskUnder(path: string, callback: FoundDisk): void {
  stat(path, BIGINT, (error, folder) => {
    if (error) return callback(nodeDisk, 'unknown', false)
    const volume = String(folder.dev)
    if (process.platform !== 'linux') return callback(nodeDisk, volume, false)
    statfs(path, BIGINT, (error, found) => {
      if (error || !LOCAL.has(BigInt.asUintN(32, found.type))) return callback(nodeDisk, volume, false)
      const local = localDisk(folder.dev)
      readFile('/proc/self/mountinfo', 'utf8', (error, mounts) => {
        const isAlone = !error && hasNoMountBelow(path, mounts)
        callback(isAlone ? { ...local, fstat: tryFstatFirst } : local, volume, isAlone)
      })
    })
  })
}

/** {@link nodeDisk} with synchronous calls for files on this device. */
export const localDisk = (local: bigint): Disk => ({
  ...nodeDisk,
  fstatAgain(descriptor, device, callback) {
    const seen = device === local ? tryFstatSync(descriptor) : undefined
    if (seen) callback(null, seen)
    else nodeDisk.fstatAgain(descriptor, device, callback)
  },
  close(descriptor, seen, callback) {
    if (seen?.dev !== local || !closesQuickly(descriptor, seen.size))
      return nodeDisk.close(descriptor, seen, callback)
    closeSyncIgnoringErrors(descriptor)
    callback()
  },
})

/** Closing a deleted file for the last time frees its blocks. For gigabytes that takes a second or more. */
const closesQuickly = (descriptor: number, size: bigint): boolean =>
  size <= FEW_BLOCKS || (tryFstatSync(descriptor)?.nlink ?? 0n) > 0n

const FEW_BLOCKS = 1_048_576n

const tryFstatFirst: Disk['fstat'] = (descriptor, callback) => {
  const seen = tryFstatSync(descriptor)
  if (seen) callback(null, seen)
  else nodeDisk.fstat(descriptor, callback)
}

/** `undefined` if it fails. The asynchronous call that follows then reports the error. */
function tryFstatSync(descriptor: number): BigIntStats | undefined {
  try {
    return fstatSync(descriptor, BIGINT)
  } catch {
    return undefined
  }
}

/** An error of `close` reports an earlier write, and we only read. The descriptor is closed in any case, so do not retry. */
function closeSyncIgnoringErrors(descriptor: number): void {
  try {
    closeSync(descriptor)
  } catch {}
}

/**
 * Whether no other volume is mounted below the path.
 *
 * @param mounts - the text of `/proc/self/mountinfo` (proc(5)): the mount point is the fifth field of each line
 */
export function hasNoMountBelow(path: string, mounts: string): boolean {
  const folder = path.endsWith('/') ? path : `${path}/`
  const written = folder.replaceAll(
    /[ \t\n\\]/g,
    (character) => `\\0${character.codePointAt(0)?.toString(8) ?? ''}`,
  )
  return !mounts.split('\n').some((line) => line.split(' ')[4]?.startsWith(written))
}
