import type { ByteRange } from '../ports.ts'
import { DeliveryError } from './delivery-error.ts'

/** Reads from a position: first the object that is already open, later a new one pinned to the same validator. */
export type OpenAt = (range: ByteRange) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>

/** Waits before the next try. Rethrows when the outage is not worth one: spent, gone, or another object. */
export type Heal = (error: unknown, position: number) => Promise<void>

/** The bytes of a range, re-opened at the next position whenever the store cuts, stalls or fails. */
export async function* resume(
  { first, last }: ByteRange,
  open: OpenAt,
  heal: Heal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = first
  while (position <= last) {
    try {
      for await (const chunk of await open({ first: position, last })) {
        position += chunk.length
        yield chunk
      }
      if (position <= last) throw new DeliveryError('store_cut')
    } catch (error) {
      if (position > last) throw error // after the last byte it is a verdict, not an outage
      await heal(error, position)
    }
  }
}
