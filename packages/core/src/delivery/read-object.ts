import type { OpenObject } from '../ports.ts'
import { refusalDetail } from '../refusals.ts'
import { DeliveryError } from './delivery-error.ts'

/**
 * The chunks of an open object, and the only place that waits for a store.
 *
 * Throws `store_stalled` when the store sends nothing for `silenceMs` while it is waited for, `store_cut` for what it
 * throws that is no refusal, and the signal's reason when that fires. The time a reader takes over a chunk is not the store's. The object is closed at the end, however
 * it comes.
 */
export async function* readObject(
  object: OpenObject,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = object.chunks[Symbol.asyncIterator]()
  // One timer and one listener for the whole read: made per chunk, they would grow with the size of the file.
  let endWait: ((error: unknown) => void) | undefined
  const timer = setTimeout(() => endWait?.(new DeliveryError('store_stalled')), silenceMs)
  const stop = (): void => endWait?.(signal.reason)
  const wait = (settle: (step: IteratorResult<Uint8Array>) => void, fail: (error: unknown) => void): void => {
    endWait = fail
    timer.refresh()
    chunks
      .next()
      .then(settle, (error: unknown) =>
        fail(refusalDetail(error) ? error : new DeliveryError('store_cut', error)),
      )
  }
  signal.addEventListener('abort', stop)
  try {
    for (;;) {
      signal.throwIfAborted()
      const step = await new Promise(wait)
      endWait = undefined
      if (step.done === true) return
      yield step.value
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    object.close() // not chunks.return(): that queues behind a read that hangs
  }
}
