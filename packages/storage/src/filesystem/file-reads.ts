import type { ByteRange } from '@sallyport/core'

import type { Disk } from './disk.ts'
import type { OpenFile } from './open-file.ts'
import { isUnchanged, type FileState } from './open-file.ts'
import { refusal, diskRefusal } from './refusals.ts'
import type { Threads } from './threads.ts'

const CHECK_EVERY_MS = 1_000

/** Reads a range of one open file, one read at a time. */
export interface FileReads {
  /** How many bytes of the range have not been read yet. */
  left(): number
  /**
   * Reads the next bytes into `into`: at least one, at most as many as fit. The promise need not be awaited.
   *
   * Rejects with `'object_changed'` if the file was written to. This is checked before the last bytes are returned and at least once
   * a second. Rejects with `'unavailable'` if the disk fails, and after `close`.
   */
  read(into: Uint8Array): Promise<number>
  /** Rejects a pending read at once. The descriptor is closed when the disk has finished that read. A second call does nothing. */
  close(): void
}

/** Takes over the descriptor, and closes it exactly once: after the last byte, after an error, or at `close`. */
export function createFileReads(
  { disk, threads, now }: { readonly disk: Disk; readonly threads: Threads; readonly now: () => number },
  file: OpenFile,
  { first, last }: ByteRange,
): FileReads {
  const { descriptor } = file
  let position = first
  let lastState: FileState = file.stats
  let checkedAt = now()
  let state: 'idle' | 'waiting' | 'reading' | 'ended' = 'idle'
  let closed = false
  let abandon: () => void = () => undefined

  const closeDescriptor = (): void => disk.close(descriptor, file.stats, threads.release)
  const checkUnchanged = (done: (error?: unknown) => void): void =>
    disk.fstatAgain(descriptor, file.stats.dev, (error, stats) => {
      if (error) return done(diskRefusal(error))
      if (!isUnchanged(lastState, stats)) return done(refusal('object_changed'))
      lastState = stats
      checkedAt = now()
      done()
    })

  const startRead = (into: Uint8Array, done: (error: unknown, count?: number) => void): void => {
    state = 'reading'
    disk.read(descriptor, into, 0, Math.min(into.length, last - position + 1), position, (error, count) => {
      if (error) return done(diskRefusal(error))
      if (count === 0) return done(refusal('object_changed'))
      position += count
      if (closed || (position <= last && now() - checkedAt < CHECK_EVERY_MS)) return done(undefined, count)
      checkUnchanged((error) => done(error, count))
    })
  }

  return {
    left: () => last + 1 - position,
    read(into) {
      const reading = new Promise<number>((resolve, reject) => {
        if (closed || state === 'ended') return reject(refusal('unavailable'))
        const start = (): void =>
          startRead(into, (error, count = 0) => {
            state = closed || error !== undefined || position > last ? 'ended' : 'idle'
            if (state === 'ended') closeDescriptor()
            else threads.release()
            if (error === undefined) resolve(count)
            else reject(error)
          })
        state = 'waiting'
        const waiter = threads.acquire(start)
        abandon = () => {
          threads.cancel(waiter)
          reject(refusal('unavailable'))
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
      threads.acquire(closeDescriptor)
    },
  }
}
