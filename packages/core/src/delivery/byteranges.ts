import type { ByterangesFrame } from '../http/multipart-byteranges.ts'
import { partsOf } from '../http/multipart-byteranges.ts'
import type { ByteRange } from '../ports.ts'

/**
 * Several ranges as one `multipart/byteranges` body (RFC 9110 §14.6). Each chunk is a whole part behind its head, and
 * the last one is the tail.
 *
 * So no write begins with bytes of the export: a proxy that took a late write for the next answer would otherwise read
 * what a user has put into the export.
 */
export async function* byteranges(
  ranges: readonly ByteRange[],
  frame: Pick<ByterangesFrame, 'head' | 'tail'>,
  read: (range: ByteRange) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isFirst = true
  for (const range of ranges) {
    const parts = partsOf(range)
    let filling: { readonly bytes: Uint8Array; filled: number } | undefined
    for await (const chunk of read(range)) {
      let taken = 0
      while (taken < chunk.length) {
        filling ??= beginPart(parts.next().value ?? range, frame, isFirst)
        isFirst = false
        const count = Math.min(filling.bytes.length - filling.filled, chunk.length - taken)
        filling.bytes.set(chunk.subarray(taken, taken + count), filling.filled)
        filling.filled += count
        taken += count
        if (filling.filled < filling.bytes.length) continue
        yield filling.bytes
        filling = undefined
      }
    }
  }
  yield Buffer.from(frame.tail, 'latin1')
}

function beginPart(
  part: ByteRange,
  frame: Pick<ByterangesFrame, 'head'>,
  isFirst: boolean,
): { bytes: Uint8Array; filled: number } {
  const head = frame.head(part, isFirst)
  const bytes = Buffer.alloc(head.length + part.last - part.first + 1)
  return { bytes, filled: bytes.write(head, 'latin1') }
}
