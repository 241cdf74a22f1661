import { DeliveryError } from './delivery-error.ts'

/**
 * Exactly `length` bytes, or a throw: never one past, never a clean end before. The last chunk is held back until the
 * source has ended well, so that a verdict that comes with its end still counts; a lent one is copied for that.
 */
export async function* exactLength(
  length: number,
  chunks: AsyncIterable<Uint8Array>,
  lent: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = length
  let held: Uint8Array | undefined
  for await (const chunk of chunks) {
    left -= chunk.length
    if (left < 0) throw new DeliveryError('store_overran')
    if (left > 0) yield chunk
    else held = lent ? Uint8Array.from(chunk) : chunk
  }
  if (left > 0) throw new DeliveryError('store_cut')
  if (held) yield held
}
