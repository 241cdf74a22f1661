import { types } from 'node:util'

import type { OpenObject } from '../ports.ts'
import { refusal, refusalDetail } from '../refusals.ts'
import { DeliveryError } from './delivery-error.ts'

/**
 * The chunks of an open object, and the only place that waits for a store.
 *
 * Throws `store_stalled` when the store sends nothing for `silenceMs` while it is waited for, `store_cut` for what it
 * throws that is no refusal, the signal's reason when that fires, and `upstream_error` for a chunk that is none. The time
 * a reader takes over a chunk is not the store's. The object is closed at the end, however it comes.
 */
export async function* readObject(
  object: OpenObject,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  // One timer and one listener for the whole read: made per chunk, they would grow with the size of the file.
  let endWait: ((error: unknown) => void) | undefined
  const timer = setTimeout(() => endWait?.(new DeliveryError('store_stalled')), silenceMs)
  const stop = (): void => endWait?.(signal.reason)
  signal.addEventListener('abort', stop)
  try {
    const chunks = object.chunks[Symbol.asyncIterator]()
    const wait = (
      settle: (step: IteratorResult<Uint8Array>) => void,
      fail: (error: unknown) => void,
    ): void => {
      endWait = fail
      timer.refresh()
      chunks
        .next()
        .then(settle, (error: unknown) =>
          fail(refusalDetail(error) ? error : new DeliveryError('store_cut', error)),
        )
    }
    for (;;) {
      signal.throwIfAborted()
      const step = await new Promise(wait)
      endWait = undefined
      if (step.done === true) return
      if (!types.isUint8Array(step.value)) throw malformed()
      yield step.value
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    object.close() // not chunks.return(): that queues behind a read that hangs
  }
}

/** A stream of texts, say: their lengths are not bytes. */
const malformed = (): Error =>
  refusal(
    { kind: 'upstream_error', trouble: { port: 'store', code: 'chunk_malformed' } },
    new TypeError('a store gave a chunk that is no Uint8Array'),
  )
