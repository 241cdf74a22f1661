import { DeliveryError } from './delivery-error.ts'

/** Watches how fast a store delivers one download, over all its opens. */
export interface StoreFloor {
  /** How long the store may send nothing while it is waited for, in milliseconds. */
  readonly silenceMs: number
  /** From now on the download waits for the store, if it does not already. */
  waits(): void
  /**
   * So many bytes have come; 0 at the end of an object. Returns why they are too late, if they are: `store_stalled`, which is
   * worth another open, or `store_too_slow`.
   */
  came(bytes: number): DeliveryError | undefined
}

/**
 * The floor: `bytes` in `perMs` milliseconds of waiting. Time that the reader takes is not counted, and time without any
 * byte counts as `silenceMs` at most, because an outage has limits of its own.
 *
 * A download below the floor opens its object again: another connection may be faster. If it is below the floor once more
 * before `bytes` have come, it ends. So a store that sends single bytes is given up after two windows, also when it breaks
 * off after each of them.
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
    waits: () => {
      waitsSince ??= performance.now()
    },
    came: (length) => {
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
