import { DeliveryError } from './delivery-error.ts'
import type { ObjectChunks } from './object-chunks.ts'

/** Up to this many bytes a body is taken in one piece: nothing of it is sent before all of it is in hand. */
export const onePiece = 65_536

/**
 * All bytes of a small object as one chunk of `length`, at least 1. Throws `store_cut` where there are fewer,
 * `store_overran` where there are more, and what the object throws. Closes it.
 */
export async function inOnePiece(length: number, chunks: ObjectChunks, lent: boolean): Promise<Uint8Array> {
  let whole: Uint8Array | undefined
  let filled = 0
  try {
    for (;;) {
      const { done, value: chunk } = await chunks.next()
      if (done === true) break
      if (filled + chunk.length > length) throw new DeliveryError('store_overran')
      if (!whole && chunk.length === length && !lent) whole = chunk
      else (whole ??= new Uint8Array(length)).set(chunk, filled)
      filled += chunk.length
    }
  } finally {
    chunks.close()
  }
  if (!whole || filled < length) throw new DeliveryError('store_cut')
  return whole
}
