import { types } from 'node:util'

import type { OpenObject } from '../ports.ts'
import { refusal, refusalDetail } from '../refusals.ts'
import { DeliveryError } from './delivery-error.ts'

/** The chunks of an open object, asked for one by one. */
export interface ObjectChunks {
  readonly next: () => Promise<IteratorResult<Uint8Array, void>>
  /** Closes the object. To be called at the end, however it comes. */
  readonly close: () => void
}

/**
 * The only place that waits for a store.
 *
 * `next` rejects with `store_stalled` when the store sends nothing for `silenceMs` while it is waited for, `store_cut` for
 * what it throws that is no refusal, the signal's reason when that fires, and `upstream_error` for a chunk that is none. The
 * time a reader takes over a chunk is not the store's.
 */
export function objectChunks(object: OpenObject, silenceMs: number, signal: AbortSignal): ObjectChunks {
  // One timer and one listener for the whole read: made per chunk, they would grow with the size of the file.
  let endWait: ((error: unknown) => void) | undefined
  let chunks: AsyncIterator<Uint8Array, void> | undefined
  const timer = setTimeout(() => endWait?.(new DeliveryError('store_stalled')), silenceMs)
  const stop = (): void => endWait?.(signal.reason)
  signal.addEventListener('abort', stop)
  const wait = (
    settle: (step: IteratorResult<Uint8Array, void>) => void,
    fail: (error: unknown) => void,
  ): void => {
    signal.throwIfAborted()
    chunks ??= object.chunks[Symbol.asyncIterator]()
    endWait = fail
    timer.refresh()
    chunks.next().then(
      (step) => {
        endWait = undefined
        if (step.done === true || types.isUint8Array(step.value)) settle(step)
        else fail(malformed())
      },
      (error: unknown) => fail(refusalDetail(error) ? error : new DeliveryError('store_cut', error)),
    )
  }
  return {
    next: () => new Promise(wait),
    close: () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      object.close() // not chunks.return(): that queues behind a read that hangs
    },
  }
}

/** A stream of texts, say: their lengths are not bytes. */
const malformed = (): Error =>
  refusal(
    { kind: 'upstream_error', trouble: { port: 'store', code: 'chunk_malformed' } },
    new TypeError('a store gave a chunk that is no Uint8Array'),
  )
