import type { FileReads } from './file-reads.ts'

const SMALLEST = 32_768
const LARGEST = 262_144
const PATIENCE_MS = 100
const NONE = new Uint8Array()

/**
 * The chunks of a large file. Two buffers change places: the next read runs while the reader has this chunk. They begin
 * small and grow while the reader keeps up, for one that stops must hold little.
 */
export async function* alternate(
  reads: FileReads,
  borrow: boolean,
  now: () => number,
): AsyncGenerator<Uint8Array> {
  try {
    let size = SMALLEST
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
      const next: Uint8Array = borrow && spare.length === size ? spare : memory(size, left)
      reading = reads.read(next)
      const handed = now()
      yield chunk
      size = now() - handed < PATIENCE_MS ? Math.min(LARGEST, size * 2) : SMALLEST
      spare = filling
      filling = next
    }
  } finally {
    reads.close()
  }
}

// Never out of Node's shared pool: a chunk's ArrayBuffer would then hold the bytes of others.
const memory = (size: number, left: number): Uint8Array => Buffer.allocUnsafeSlow(Math.min(size, left))
