import type { ByteRange, OpenObject } from '@sallyport/core'

import type { Disk } from './disk.ts'
import type { OpenFile } from './open-file.ts'
import { isUnchanged } from './open-file.ts'
import { refusedAs, refusedBy } from './refusals.ts'
import type { End } from './threads.ts'

/** Up to here one read, one chunk and one write are all there is to a download. Bytes. */
export const SMALL = 65_536

/** Reads a part of at most {@link SMALL} bytes whole. Leaves the descriptor open; fails as `FileReads` does. */
export function readSmall(
  disk: Disk,
  { descriptor, stats }: OpenFile,
  { first, last }: ByteRange,
  end: End<Uint8Array>,
): void {
  const bytes = Buffer.allocUnsafeSlow(last - first + 1)
  if (bytes.length === 0) return end(undefined, bytes)
  const readFrom = (at: number): void =>
    disk.read(descriptor, bytes, at, bytes.length - at, first + at, (error, count) => {
      if (error) return end(refusedBy(error))
      if (count === 0) return end(refusedAs('object_changed'))
      if (at + count < bytes.length) return readFrom(at + count)
      look()
    })
  const look = (): void =>
    disk.lookAgain(descriptor, stats.dev, (error, now) => {
      if (error) return end(refusedBy(error))
      end(isUnchanged(stats, now) ? undefined : refusedAs('object_changed'), bytes)
    })
  readFrom(0)
}

/** An object whose bytes are all here: at most one chunk, and nothing left to close. */
export function smallObject(info: OpenObject['info'], bytes: Uint8Array): OpenObject {
  let held: Uint8Array | undefined = bytes
  let closed = false
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    if (closed) throw refusedAs('unavailable')
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
