import { Readable } from 'node:stream'

/** The body of a response. It is read once. */
export interface ResponseBody {
  /** Returns the next chunk. Rejects if the body was cut, or closed before its end. */
  next(): Promise<IteratorResult<unknown, unknown>>
  /** Closes the connection if bytes are still to come. Settles a pending `next`. May be called twice. */
  close(): void
  /** Calls back when the body no longer needs its connection. May call back twice. */
  onReleased(listener: () => void): void
  /** Frees the memory of a chunk that nobody uses any more. */
  free(chunk: Uint8Array): void
}

/** Makes a body of the stream that an SDK gives. `undefined`: it is no stream. */
export function streamBody(stream: unknown): ResponseBody | undefined {
  if (!(stream instanceof Readable)) return undefined
  stream.on('error', ignore) // never removed: an error after close() would otherwise end the process
  let chunks: AsyncIterator<unknown> | undefined
  return {
    next: () => (chunks ??= stream[Symbol.asyncIterator]()).next(),
    close: () => void stream.destroy(),
    onReleased: (listener) => void stream.once('close', listener),
    free: ignore, // other code may have the chunk
  }
}

const ignore = (): void => {}
