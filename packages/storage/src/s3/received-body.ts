import type { Dispatcher } from 'undici'

import type { ResponseBody } from '../upstream/response-body.ts'

/** A body that undici receives. */
export interface ReceivedBody extends ResponseBody {
  received(chunk: Uint8Array): void
  /** The last byte has been received. */
  ended(): void
  /** The body was cut. */
  failed(error: Error): void
}

/** With this many bytes waiting for the reader, the connection is not read any further. */
const MOST_WAITING = 65_536
/** Smaller chunks are left to the garbage collector. */
const SMALLEST_FREED = 16_384

/**
 * Creates the body of one response. It costs less than a `Readable` with its iterator, in two ways that matter for large objects:
 *
 * - Node reads a socket in chunks that it allocates outside V8's heap, and V8 marks its whole heap after about 64 MiB of them. That
 *   can be half of the CPU. So `free` gives the memory of a chunk back at once.
 * - A TLS connection gives records of 16 KiB, several in one turn of the event loop. A write to the client for each would cost more
 *   than to join them. So a reader that waits is woken after that turn, unless much is waiting.
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
      if (state === 'ended') return { done: true, value: undefined }
      throw state
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
    free,
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks
  if (first && chunks.length === 1) return first
  const whole = Buffer.concat(chunks, length)
  for (const chunk of chunks) free(chunk)
  return whole
}

/** Detaches the buffer of a chunk, if it has nothing but that chunk. Then nobody else uses it. */
function free({ buffer, byteLength }: Uint8Array): void {
  const isWhole = byteLength === buffer.byteLength && byteLength >= SMALLEST_FREED
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** Why undici aborts a request whose body is not read any further. */
export const CLOSED: Error = new Error('the body is not read any further')
