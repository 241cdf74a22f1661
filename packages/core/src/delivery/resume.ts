import type { ByteRange } from '../ports.ts'
import { bodyFault, DeliveryError } from './delivery-error.ts'
import type { BeforeReopen } from './reopen-policy.ts'

/** Reads from a position: first the object that is already open, later a new one pinned to the same validator. */
export type OpenAt = (range: ByteRange) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>

/** The bytes of a range. Whenever the store fails, `beforeReopen` decides whether the object is opened at the next position. */
export async function* resume(
  { first, last }: ByteRange,
  open: OpenAt,
  beforeReopen: BeforeReopen,
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
      // After the last byte an error is a verdict on the whole body, such as a wrong checksum. Reading again cannot help.
      if (position > last) throw bodyFault(error)
      await beforeReopen(error, position)
    }
  }
}
