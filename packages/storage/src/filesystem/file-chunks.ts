import type { ChunkSize } from './chunk-size.ts'
import type { FileReads } from './file-reads.ts'

/**
 * The chunks of a large file. At first there is one buffer, read into again when the reader is done with it. Where the size
 * allows to read ahead, two change places, the next read running while the reader has this chunk.
 */
export async function* alternate(
  reads: FileReads,
  size: ChunkSize,
  borrow: boolean,
  now: () => number,
): AsyncGenerator<Uint8Array> {
  try {
    let spare: Uint8Array | undefined
    const buffer = (left: number): Uint8Array => {
      const again = spare?.length === size.bytes() ? spare : undefined
      spare = undefined
      return again ?? allocate(Math.min(size.bytes(), left))
    }
    let filling = buffer(reads.left())
    let reading = reads.read(filling)
    for (;;) {
      const chunk = filling.subarray(0, await reading)
      const left = reads.left()
      if (left === 0) {
        yield chunk
        return
      }
      const next = size.readsAhead() ? buffer(left) : undefined
      if (next) reading = reads.read(next)
      const handed = now()
      yield chunk
      size.taken(chunk.length, now() - handed)
      if (borrow) spare = filling
      filling = next ?? buffer(left)
      if (!next) reading = reads.read(filling)
    }
  } finally {
    reads.close()
    size.end()
  }
}

// Never out of Node's shared pool: a chunk's ArrayBuffer would then hold the bytes of others.
const allocate = (bytes: number): Uint8Array => Buffer.allocUnsafeSlow(bytes)
