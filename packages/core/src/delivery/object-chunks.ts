import { types } from 'node:util'

import type { OpenObject } from '../ports.ts'
import { refusal } from '../refusals.ts'
import { startTimer } from '../waiting.ts'
import { bodyFault, DeliveryError } from './delivery-error.ts'
import type { StoreFloor } from './store-floor.ts'

/** The chunks of an open object, asked for one by one. */
export interface ObjectChunks {
  readonly next: () => Promise<IteratorResult<Uint8Array, void>>
  /** Closes the object. To be called at the end, however it comes. */
  readonly close: () => void
}

/**
 * The only place that waits for a store.
 *
 * `next` rejects with `store_stalled` when the store sends nothing for `floor.silenceMs` while it is waited for,
 * `store_stalled` or `store_too_slow` when it sends less than the floor, `store_cut` for what it throws that is no refusal,
 * the signal's reason when that fires, and `upstream_error` for a chunk that is none. The time a reader takes over a chunk
 * is not the store's.
 */
export function objectChunks(object: OpenObject, floor: StoreFloor, signal: AbortSignal): ObjectChunks {
  // One timer and one listener for the whole read: made per chunk, they would grow with the size of the file.
  let endWait: ((error: unknown) => void) | undefined
  let chunks: AsyncIterator<Uint8Array, void> | undefined
  const timer = startTimer(() => endWait?.(new DeliveryError('store_stalled')), floor.silenceMs)
  const stop = (): void => endWait?.(signal.reason)
  signal.addEventListener('abort', stop)
  const ask = (): Promise<IteratorResult<Uint8Array, void>> => {
    try {
      chunks ??= object.chunks[Symbol.asyncIterator]()
      return chunks.next()
    } catch (error) {
      return Promise.reject(error)
    }
  }
  const wait = (
    settle: (step: IteratorResult<Uint8Array, void>) => void,
    fail: (error: unknown) => void,
  ): void => {
    signal.throwIfAborted()
    endWait = fail
    timer.refresh()
    floor.waits()
    ask().then(
      (step) => {
        endWait = undefined
        if (step.done !== true && !types.isUint8Array(step.value)) return fail(malformed())
        const late = floor.came(step.done === true ? 0 : step.value.length)
        if (late) fail(late)
        else settle(step)
      },
      (error: unknown) => fail(bodyFault(error)),
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
    { kind: 'upstream_error', trouble: 'chunk_malformed' },
    new TypeError('a store gave a chunk that is no Uint8Array'),
  )
