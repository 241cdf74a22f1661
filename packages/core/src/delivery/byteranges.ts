import type { ByteRange } from '../ports.ts'

/** Several ranges as one `multipart/byteranges` body (RFC 9110 §14.6): each part's head, its bytes, then the tail. */
export async function* byteranges(
  ranges: readonly ByteRange[],
  frame: { readonly heads: readonly string[]; readonly tail: string },
  read: (range: ByteRange) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const [index, range] of ranges.entries()) {
    yield Buffer.from(frame.heads[index] ?? '', 'latin1')
    yield* read(range)
  }
  yield Buffer.from(frame.tail, 'latin1')
}
