import type { ByteRange } from '@sallyport/core'

import type { Disk } from './disk.ts'
import type { OpenFile } from './open-file.ts'
import { isUnchanged, type Look } from './open-file.ts'
import { refusedAs, refusedBy } from './refusals.ts'
import type { Threads } from './threads.ts'

const LOOK_EVERY_MS = 1_000

/** Reads of one open file, one after the other. */
export interface FileReads {
  /** Bytes that no read has brought yet. */
  left(): number
  /**
   * Brings the next bytes: at least one, at most as many as fit. May be begun and never awaited.
   *
   * Rejects with `'object_changed'` where somebody has written into the file, seen at the last bytes and at least once a
   * second before; `'unavailable'` where the disk fails, and once closed.
   */
  read(into: Uint8Array): Promise<number>
  /** Settles a pending read at once; the descriptor is closed when the disk has let go of it. Twice is once. */
  close(): void
}

/** Owns the descriptor from now on: after the last byte, an error or `close` it is closed, exactly once. */
export function createFileReads(
  { disk, threads, now }: { readonly disk: Disk; readonly threads: Threads; readonly now: () => number },
  file: OpenFile,
  { first, last }: ByteRange,
): FileReads {
  const { descriptor } = file
  let position = first
  let seen: Look = file.stats
  let seenAt = now()
  let state: 'idle' | 'waiting' | 'reading' | 'ended' = 'idle'
  let closed = false
  let abandon: () => void = () => undefined

  const shut = (): void => disk.close(descriptor, file.stats, threads.release)
  const look = (end: (error?: unknown) => void): void =>
    disk.lookAgain(descriptor, file.stats.dev, (error, stats) => {
      if (error) return end(refusedBy(error))
      if (!isUnchanged(seen, stats)) return end(refusedAs('object_changed'))
      seen = stats
      seenAt = now()
      end()
    })

  const begin = (into: Uint8Array, end: (error: unknown, count?: number) => void): void => {
    state = 'reading'
    disk.read(descriptor, into, 0, Math.min(into.length, last - position + 1), position, (error, count) => {
      if (error) return end(refusedBy(error))
      if (count === 0) return end(refusedAs('object_changed'))
      position += count
      if (closed || (position <= last && now() - seenAt < LOOK_EVERY_MS)) return end(undefined, count)
      look((error) => end(error, count))
    })
  }

  return {
    left: () => last + 1 - position,
    read(into) {
      const reading = new Promise<number>((resolve, reject) => {
        if (closed || state === 'ended') return reject(refusedAs('unavailable'))
        const start = (): void =>
          begin(into, (error, count = 0) => {
            state = closed || error !== undefined || position > last ? 'ended' : 'idle'
            if (state === 'ended') shut()
            else threads.release()
            if (error === undefined) resolve(count)
            else reject(error)
          })
        state = 'waiting'
        const waiter = threads.acquire(start)
        abandon = () => {
          threads.cancel(waiter)
          reject(refusedAs('unavailable'))
        }
      })
      reading.catch(() => undefined)
      return reading
    },
    close() {
      if (closed) return
      closed = true
      abandon()
      if (state === 'reading' || state === 'ended') return
      state = 'ended'
      threads.acquire(shut)
    },
  }
}
