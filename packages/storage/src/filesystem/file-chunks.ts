import type { FileReads } from './file-reads.ts'

const SMALLEST = 32_768
const LARGEST = 524_288
/** More than two kernels take for a reader that takes nothing: on Linux 4 MiB for the sender (`tcp_wmem`), and a little for the reader. */
const PROOF = 5_242_880
const PATIENCE_MS = 100
const NONE = new Uint8Array()

/**
 * The chunks of a large file. Two buffers change places: the next read runs while the reader has this chunk. They stay
 * small until the reader has shown that it reads, then grow while it keeps up: one that stops must hold little.
 */
export async function* alternate(
  reads: FileReads,
  borrow: boolean,
  now: () => number,
): AsyncGenerator<Uint8Array> {
  try {
    let size = SMALLEST
    let taken = 0
    let spare: Uint8Array = NONE
    let filling = memory(size, reads.left())
    let reading = reads.read(filling)
    for (;;) {
      const chunk = filling.subarray(0, await reading)
      const left = reads.left()
      if (left === 0) {
        yield chunk
        return
      }
      const next: Uint8Array = spare.length === size ? spare : memory(size, left)
      spare = NONE
      reading = reads.read(next)
      const handed = now()
      yield chunk
      taken += chunk.length
      const keepsUp = taken >= PROOF && now() - handed < PATIENCE_MS
      size = keepsUp ? Math.min(LARGEST, size * 2) : SMALLEST
      if (borrow) spare = filling
      filling = next
    }
  } finally {
    reads.close()
  }
}

// Never out of Node's shared pool: a chunk's ArrayBuffer would then hold the bytes of others.
const memory = (size: number, left: number): Uint8Array => Buffer.allocUnsafeSlow(Math.min(size, left))
