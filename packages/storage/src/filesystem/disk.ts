import { type BigIntStats, close, fstat, open, read, readlinkSync, realpath, stat } from 'node:fs'

/** The callback of a {@link Disk} call: an error with a `code`, or null and the result. */
export type NodeCallback<T> = (error: NodeJS.ErrnoException | null, result: T) => void

/** Requests sizes and times as BigInt, because nanoseconds do not fit into a number. */
export const BIGINT: { readonly bigint: true } = { bigint: true }

/** The file calls that the store makes, on raw descriptors. Tests pass disks that hang, return short reads and fail. */
export interface Disk {
  readonly open: (path: string, flags: number, callback: NodeCallback<number>) => void
  /** The first `fstat` of a descriptor, before its type and device are known. */
  readonly fstat: (descriptor: number, callback: NodeCallback<BigIntStats>) => void
  /** A later `fstat`, of a file on this device. May call back synchronously. */
  readonly fstatAgain: (descriptor: number, device: bigint, callback: NodeCallback<BigIntStats>) => void
  readonly read: (
    descriptor: number,
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
    callback: NodeCallback<number>,
  ) => void
  /** Closes a file. `seen`: its `fstat`, or `undefined` if that failed. May call back synchronously. Errors are ignored. */
  readonly close: (
    descriptor: number,
    seen: Pick<BigIntStats, 'dev' | 'size'> | undefined,
    callback: () => void,
  ) => void
  readonly stat: (path: string, callback: NodeCallback<BigIntStats>) => void
  /** Resolves a path, in the spelling that the disk uses. */
  readonly realpath: (path: string, callback: NodeCallback<string>) => void
  /** The path of an open descriptor, from Linux's procfs. Synchronous, because procfs is in memory. Throws elsewhere. */
  readonly pathOf: (descriptor: number) => string
}

/**
 * Gets the file calls to use below a path, and the name of its volume.
 *
 * @param isLocal - whether every file below the path is on one local filesystem
 */
export type FoundDisk = (disk: Disk, volume: string, isLocal: boolean) => void

/** The file calls of Node. Each call that may block runs on a pool thread. */
export const nodeDisk: Disk = {
  open,
  fstat: (descriptor, callback) => fstat(descriptor, BIGINT, callback),
  fstatAgain: (descriptor, _, callback) => fstat(descriptor, BIGINT, callback),
  read,
  close: (descriptor, _, callback) => close(descriptor, callback),
  stat: (path, callback) => stat(path, BIGINT, callback),
  realpath: realpath.native,
  pathOf: (descriptor) => readlinkSync(`/proc/self/fd/${descriptor}`),
}
