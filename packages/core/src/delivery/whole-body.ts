import type { ExportBody } from '../request-response.ts'

/** A body that is all in hand, such as a refusal's. Holds nothing that has to be let go. */
export const wholeBody = (bytes: Uint8Array): ExportBody => ({
  length: bytes.length,
  [Symbol.asyncIterator]: () => once(bytes),
})

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes
}
