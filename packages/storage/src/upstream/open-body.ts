import type { OpenObject } from '@sallyport/core'

import { refuseFault } from './fault.ts'
import type { ResponseBody } from './response-body.ts'

/** The running checksum of a body. */
export interface Checksum {
  update(chunk: Uint8Array): void | Promise<void>
  /** Whether the checksum of all chunks is the expected one. */
  matches(): boolean | Promise<boolean>
}

/** How a body is read. */
export interface BodyReading {
  /** Whether a chunk may be freed when the next one is requested. Has no effect with a checksum, which keeps a chunk back. */
  readonly borrow?: boolean | undefined
  /** If it does not match at the end, `chunks` throws `'upstream_error'` instead of the last chunk. Absent: not verified. */
  readonly checksum?: Checksum | undefined
}

/**
 * Turns the body of a response into the `chunks` and `close` of the store port.
 *
 * @param released - called when the body has released its connection; may be called twice
 */
export function openBody(
  body: ResponseBody,
  released: () => void,
  { borrow = false, checksum }: BodyReading = {},
): Pick<OpenObject, 'chunks' | 'close'> {
  body.onReleased(released)
  return {
    chunks: checksum ? verified(chunksOf(body, false), checksum) : chunksOf(body, borrow),
    close: () => {
      released()
      body.close()
    },
  }
}

function chunksOf(body: ResponseBody, borrow: boolean): AsyncIterable<Uint8Array> {
  let borrowed: Uint8Array | undefined
  const next = async (): Promise<IteratorResult<Uint8Array, void>> => {
    if (borrowed) body.free(borrowed)
    borrowed = undefined
    try {
      for (;;) {
        const { done, value } = await body.next()
        if (done === true) return { done, value: undefined }
        if (!(value instanceof Uint8Array)) throw new TypeError('a chunk of the body is not a Uint8Array')
        if (value.length === 0) continue
        if (borrow) borrowed = value
        return { done: false, value }
      }
    } catch {
      // The error's name does not help: a cut, a reset and our own close() all have the same one.
      return refuseFault('unavailable', { word: 'body_cut' })
    }
  }
  return { [Symbol.asyncIterator]: () => ({ next }) }
}

async function* verified(chunks: AsyncIterable<Uint8Array>, checksum: Checksum): AsyncGenerator<Uint8Array> {
  let last: Uint8Array | undefined
  for await (const chunk of chunks) {
    if (last) yield last
    await checksum.update(chunk)
    last = chunk
  }
  if (!(await checksum.matches())) refuseFault('upstream_error', { word: 'checksum_mismatch' })
  if (last) yield last
}
