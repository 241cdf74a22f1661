import { type BigIntStats, closeSync, fstatSync, readFileSync, statfsSync, statSync } from 'node:fs'

import { BIGINT, type Disk, nodeDisk } from './disk.ts'

/**
 * As Linux names them in `statfs`: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs. Not overlayfs, which may lie over a network, nor
 * ZFS, where a suspended pool stops every call.
 */
const LOCAL = new Set([0xef53n, 0x58465342n, 0x9123683en, 0xf2f52010n, 0x01021994n])

/**
 * The disk under a path that is resolved at start-up. A pool thread costs ten times the call that it is asked for. So looks
 * at open files, and their closes, spare it where they touch memory alone and cannot hang: if the path is of a local kind,
 * for files of the same device. A network or FUSE volume may hang in each, also one that is mounted below the path.
 */
export function diskUnder(path: string | undefined): Disk {
  const device = path === undefined ? undefined : localDevice(path)
  if (path === undefined || device === undefined) return nodeDisk
  return standsAlone(path) ? { ...localDisk(device), fstat: firstLook } : localDisk(device)
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

function localDevice(path: string): bigint | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const { type } = statfsSync(path, BIGINT)
    return LOCAL.has(BigInt.asUintN(32, type)) ? statSync(path, BIGINT).dev : undefined
  } catch {
    return undefined
  }
}

/** Whether no other volume is mounted below a path, as proc(5) lists them: mount points are the fifth of the fields. */
export function standsAlone(
  path: string,
  list: () => string = () => readFileSync('/proc/self/mountinfo', 'utf8'),
): boolean {
  const folder = path.endsWith('/') ? path : `${path}/`
  const written = folder.replaceAll(
    /[ \t\n\\]/g,
    (character) => `\\0${character.codePointAt(0)?.toString(8) ?? ''}`,
  )
  try {
    return !list()
      .split('\n')
      .some((line) => line.split(' ')[4]?.startsWith(written))
  } catch {
    return false
  }
}
