import { type BigIntStats, close, fstat, open, read, readlinkSync, realpath, stat } from 'node:fs'

/** What a call of {@link Disk} ends with: an error with a `code`, or null and the result. */
export type Called<T> = (error: NodeJS.ErrnoException | null, result: T) => void

/** Asks for sizes and times whole: nanoseconds do not fit into a number. */
export const BIGINT: { readonly bigint: true } = { bigint: true }

/** The calls that the store makes, on raw descriptors. Tests bring disks that hang, tear and fail. */
export interface Disk {
  readonly open: (path: string, flags: number, called: Called<number>) => void
  /** The first look at a descriptor: nobody knows yet what it is. */
  readonly fstat: (descriptor: number, called: Called<BigIntStats>) => void
  /** Another look, at a file of this device. May call back at once. */
  readonly lookAgain: (descriptor: number, device: bigint, called: Called<BigIntStats>) => void
  readonly read: (
    descriptor: number,
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
    called: Called<number>,
  ) => void
  /** Closes a file that looked so; `undefined`: nobody could look. May call back at once. Errors have nothing to say. */
  readonly close: (
    descriptor: number,
    seen: Pick<BigIntStats, 'dev' | 'size'> | undefined,
    called: () => void,
  ) => void
  readonly stat: (path: string, called: Called<BigIntStats>) => void
  /** With the disk's own spelling of the path. */
  readonly realpath: (path: string, called: Called<string>) => void
  /** The path that Linux knows an open descriptor by. Asks procfs, which is memory: so it may be synchronous. */
  readonly pathOf: (descriptor: number) => string
}

/** Any disk of this machine: whatever may wait, waits on a pool thread. */
export const nodeDisk: Disk = {
  open,
  fstat: (descriptor, called) => fstat(descriptor, BIGINT, called),
  lookAgain: (descriptor, _, called) => fstat(descriptor, BIGINT, called),
  read,
  close: (descriptor, _, called) => close(descriptor, called),
  stat: (path, called) => stat(path, BIGINT, called),
  realpath: realpath.native,
  pathOf: (descriptor) => readlinkSync(`/proc/self/fd/${descriptor}`),
}
