import { DeliveryError } from './delivery-error.ts'

/** Measures how fast the store sends the bytes of one download, over all its opens. */
export interface StoreFloor {
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
 * below the floor again before it has sent `bytes`, the download ends. So a store that sends single bytes is abandoned after two
 * windows, even if it cuts the body after each byte.
 */
export function createStoreFloor(
  silenceMs: number,
  { bytes, perMs }: { readonly bytes: number; readonly perMs: number },
): StoreFloor {
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
