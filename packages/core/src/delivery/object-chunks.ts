import { types } from 'node:util'

import type { OpenObject } from '../ports.ts'
import { refusal } from '../refusals.ts'
import { startTimer } from '../waiting.ts'
import { DeliveryError, bodyFault } from './delivery-error.ts'

/** Reads the chunks of an open object one by one. */
export interface ObjectChunks {
  readonly next: () => Promise<IteratorResult<Uint8Array, void>>
  /** Closes the object. Must be called on every way out. */
  readonly close: () => void
}

/**
 * Reads an object, with a time limit for each wait. Only this function waits for the bytes of a store. The time in which the
 * reader has a chunk is not counted.
 *
 * `next` rejects with:
 *
 * - `store_stalled`: the store sent nothing for `speed.silenceMs`, or it fell below the floor for the first time. Opening the
 *   object again may help.
 * - `store_too_slow`: the store fell below the floor a second time.
 * - `store_cut`: the store threw an error that is not a refusal.
 * - `upstream_error`: a chunk is not a Uint8Array.
 * - the signal's reason, when the signal fires.
 */
export function objectChunks(object: OpenObject, speed: StoreSpeed, signal: AbortSignal): ObjectChunks {
  // One timer and one listener for the whole read. If each chunk made its own, their number would grow with the file.
  let endWait: ((error: unknown) => void) | undefined
  let chunks: AsyncIterator<Uint8Array, void> | undefined
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => endWait?.(signal.reason)
  signal.addEventListener('abort', stop)
  const readNext = (): Promise<IteratorResult<Uint8Array, void>> => {
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
    if (timer) timer.refresh()
    else timer = startTimer(() => endWait?.(new DeliveryError('store_stalled')), speed.silenceMs)
    speed.startWait()
    readNext().then(
      (step) => {
        endWait = undefined
        if (step.done !== true && !types.isUint8Array(step.value)) return fail(malformed())
        const late = speed.received(step.done === true ? 0 : step.value.length)
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
      object.close() // not chunks.return(): it waits for a pending read
    },
  }
}

/** For example, a stream of strings: their lengths are not bytes. */
const malformed = (): Error =>
  refusal(
    { kind: 'upstream_error', trouble: 'chunk_malformed' },
    new TypeError('the store gave a chunk that is not a Uint8Array'),
  )

/** Measures how fast the store sends the bytes of one download, over all its opens. */
export interface StoreSpeed {
  /** How long a download waits for the store's next bytes, in milliseconds. */
  readonly silenceMs: number
  /** Records that the download waits for the store from now on, if it does not already. */
  startWait(): void
  /**
   * Records bytes from the store; 0 at the end of an object. If the store was too slow, returns the error: `store_stalled`, after
   * which the object is opened again, or `store_too_slow`, which ends the download. Otherwise `undefined`.
   */
  received(bytes: number): DeliveryError | undefined
}

/**
 * Creates the measure of one download. The floor is `bytes` per `perMs` milliseconds of waiting for the store. The reader's time
 * is not counted. A wait counts as at most `silenceMs`, because outages have their own limits.
 *
 * If the store is below the floor, the download opens its object again, because another connection may be faster. If the store is
 * below the floor again before it has sent another `bytes`, the download ends. So a download whose store sends single
 * bytes ends after twice `perMs`.
 */
export function measureStoreSpeed(
  silenceMs: number,
  { bytes, perMs }: { readonly bytes: number; readonly perMs: number },
): StoreSpeed {
  let leftMs = perMs
  let waitsSince: number | undefined
  let owedBytes = 0
  return {
    silenceMs,
    startWait: () => {
      waitsSince ??= performance.now()
    },
    received: (length) => {
      const waitedMs = waitsSince === undefined ? 0 : Math.min(silenceMs, performance.now() - waitsSince)
      waitsSince = undefined
      owedBytes = Math.max(0, owedBytes - length)
      leftMs = Math.min(perMs, leftMs - waitedMs + (length / bytes) * perMs)
      if (leftMs > 0) return undefined
      leftMs = perMs
      if (owedBytes > 0) return new DeliveryError('store_too_slow')
      owedBytes = bytes
      return new DeliveryError('store_stalled', new Error('the store was slower than slowestStore'))
    },
  }
}
