import type { ByteRange, OpenObject } from '@sallyport/core'

import type { Disk } from './disk.ts'
import type { OpenFile } from './open-file.ts'
import { isUnchanged } from './open-file.ts'
import { refusal, diskRefusal } from './refusals.ts'
import type { Done } from './threads.ts'

/** Up to this many bytes, a download is one read, one chunk and one write. */
export const SMALL = 65_536

/** Reads a range of at most {@link SMALL} bytes into one buffer. Leaves the descriptor open. Fails as `FileReads` does. */
export function readSmall(
  disk: Disk,
  { descriptor, stats }: OpenFile,
  { first, last }: ByteRange,
  done: Done<Uint8Array>,
): void {
  const bytes = Buffer.allocUnsafeSlow(last - first + 1)
  if (bytes.length === 0) return done(undefined, bytes)
  const readFrom = (at: number): void =>
    disk.read(descriptor, bytes, at, bytes.length - at, first + at, (error, count) => {
      if (error) return done(diskRefusal(error))
      if (count === 0) return done(refusal('object_changed'))
      if (at + count < bytes.length) return readFrom(at + count)
      checkUnchanged()
    })
  const checkUnchanged = (): void =>
    disk.fstatAgain(descriptor, stats.dev, (error, now) => {
      if (error) return done(diskRefusal(error))
      done(isUnchanged(stats, now) ? undefined : refusal('object_changed'), bytes)
    })
  readFrom(0)
}

/** Makes an open object of bytes in memory: it gives at most one chunk, and holds no descriptor. */
export function smallObject(info: OpenObject['info'], bytes: Uint8Array): OpenObject {
  let held: Uint8Array | undefined = bytes
  let closed = false
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    if (closed) throw refusal('unavailable')
    const value = held
    held = undefined
    return value && value.length > 0 ? { done: false, value } : { done: true, value: undefined }
  }
  const close = (): void => {
    closed = true
    held = undefined
  }
  return { info, chunks: { [Symbol.asyncIterator]: () => ({ next }) }, close }
}
