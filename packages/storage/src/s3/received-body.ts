import type { Dispatcher } from 'undici'

import { freeChunk } from '../free-chunk.ts'
import type { ResponseBody } from '../upstream/response-body.ts'

/** A body that undici receives. */
export interface ReceivedBody extends ResponseBody {
  received(chunk: Uint8Array): void
  /** The last byte has been received. */
  ended(): void
  /** The body was cut. */
  failed(error: Error): void
}

/** With this many bytes waiting for the reader, the connection is not read any further: Node reads five TLS records in one turn. */
const MOST_WAITING = 81_920

/**
 * Creates the body of one response.
 *
 * A TLS connection gives records of 16 KiB, several in one turn of the event loop. To join them costs less than a write to the client
 * for each. So a reader that waits is woken after that turn, unless much is waiting.
 */
export function createReceivedBody(control: Dispatcher.DispatchController): ReceivedBody {
  let chunks: Uint8Array[] = []
  let waiting = 0
  let state: 'open' | 'ended' | Error = 'open'
  let release: (() => void) | undefined
  let wake: (() => void) | undefined
  let soon: NodeJS.Immediate | undefined
  const wakeNow = (): void => {
    clearImmediate(soon)
    soon = undefined
    wake?.()
    wake = undefined
  }
  const settle = (end: 'ended' | Error): void => {
    if (state === 'open') state = end
    release?.()
    wakeNow()
  }
  const takeAll = (): Uint8Array => {
    const value = joined(chunks, waiting)
    chunks = []
    waiting = 0
    if (control.paused) control.resume()
    return value
  }
  return {
    received: (chunk) => {
      chunks.push(chunk)
      waiting += chunk.length
      if (waiting >= MOST_WAITING) {
        control.pause()
        wakeNow()
      } else if (wake) soon ??= setImmediate(wakeNow)
    },
    // undici uses the connection again only after a turn of the event loop. Whoever sees the end may send the next request at once.
    ended: () => queueMicrotask(() => setImmediate(() => settle('ended'))),
    failed: settle,
    next: async () => {
      if (waiting === 0 && state === 'open') {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      if (waiting > 0) return { done: false, value: takeAll() }
      if (state instanceof Error) throw state
      return { done: true, value: undefined }
    },
    close: () => {
      chunks = []
      waiting = 0
      state = CLOSED
      wakeNow()
      control.abort(CLOSED) // after the last byte this does nothing, and the connection is used again
    },
    onReleased: (listener) => {
      release = listener
      if (state !== 'open') listener()
    },
    free: freeChunk,
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks
  if (first && chunks.length === 1) return first
  const whole = Buffer.concat(chunks, length)
  for (const chunk of chunks) freeChunk(chunk)
  return whole
}

/** Why undici aborts a request whose body is not read any further. */
export const CLOSED: Error = new Error('the body is not read any further')
