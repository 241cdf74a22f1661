import { type BigIntStats, close, fstat, open, read, readlinkSync, realpath, stat } from 'node:fs'

/** What a call of {@link Disk} ends with: an error with a `code`, or null and the result. */
export type Called<T> = (error: NodeJS.ErrnoException | null, result: T) => void

/** The calls that the store makes, on raw descriptors. Tests bring disks that hang, tear and fail. */
export interface Disk {
  readonly open: (path: string, flags: number, called: Called<number>) => void
  readonly fstat: (descriptor: number, options: { bigint: true }, called: Called<BigIntStats>) => void
  readonly read: (
    descriptor: number,
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
    called: Called<number>,
  ) => void
  readonly close: (descriptor: number, called: (error?: NodeJS.ErrnoException | null) => void) => void
  readonly stat: (path: string, options: { bigint: true }, called: Called<BigIntStats>) => void
  /** With the disk's own spelling of the path. */
  readonly realpath: (path: string, called: Called<string>) => void
  /** The path that Linux knows an open descriptor by. Asks procfs, which is memory: so it may be synchronous. */
  readonly pathOf: (descriptor: number) => string
}

/** The disk of this machine. */
export const nodeDisk: Disk = {
  open,
  fstat,
  read,
  close,
  stat,
  realpath: realpath.native,
  pathOf: (descriptor) => readlinkSync(`/proc/self/fd/${descriptor}`),
}
