import { closeSync, fstatSync, statfsSync } from 'node:fs'

import type { Disk } from './disk.ts'
import { nodeDisk } from './disk.ts'

/** As `statfs` names them: ext, XFS, Btrfs, tmpfs, overlayfs, F2FS, ZFS, bcachefs. */
const LOCAL = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e,
])

/**
 * The disk under a path that is resolved at start-up. On a local file system a look at an open descriptor and its close
 * touch memory alone and cannot hang, so they spare the pool thread, which costs ten times as much. A network or FUSE volume may
 * hang in either: there, and where the kind is not known, each has its thread.
 */
export function diskUnder(path: string | undefined): Disk {
  return path !== undefined && isLocal(path) ? localDisk : nodeDisk
}

const localDisk: Disk = {
  ...nodeDisk,
  fstat: (descriptor, options, called) => atOnce(() => fstatSync(descriptor, options), called),
  close: (descriptor, called) => atOnce(() => closeSync(descriptor), called),
}

function atOnce<T>(call: () => T, called: (error: NodeJS.ErrnoException | null, result: T) => void): void {
  let result: T
  try {
    result = call()
  } catch (error) {
    // As node:fs itself does: the callback gets the error and no result.
    return (called as (error: unknown) => void)(error)
  }
  called(null, result)
}

function isLocal(path: string): boolean {
  try {
    return LOCAL.has(Number(BigInt.asUintN(32, statfsSync(path, { bigint: true }).type)))
  } catch {
    return false
  }
}
