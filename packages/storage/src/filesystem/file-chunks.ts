import type { FileReads } from './file-reads.ts'

const SMALLEST = 65_536
const LARGEST = 524_288
/** More than two kernels take for a reader that takes nothing: on Linux 4 MiB for the sender (`tcp_wmem`), and a little for the reader. */
const PROOF = 5_242_880
const PATIENCE_MS = 100

/**
 * The chunks of a large file. At first there is one small buffer, read into again when the reader is done with it: a reader
 * that stops must hold little. Once it has shown that it reads, two change places, the next read running while it has this
 * chunk, and they grow while it keeps up.
 */
export async function* alternate(
  reads: FileReads,
  borrow: boolean,
  now: () => number,
): AsyncGenerator<Uint8Array> {
  try {
    let size = SMALLEST
    let taken = 0
    let spare: Uint8Array | undefined
    const buffer = (left: number): Uint8Array => {
      const again = spare?.length === size ? spare : undefined
      spare = undefined
      return again ?? memory(size, left)
    }
    let filling = memory(size, reads.left())
    let reading = reads.read(filling)
    for (;;) {
      const chunk = filling.subarray(0, await reading)
      const left = reads.left()
      if (left === 0) {
        yield chunk
        return
      }
      const next = size > SMALLEST ? buffer(left) : undefined
      if (next) reading = reads.read(next)
      const handed = now()
      yield chunk
      taken += chunk.length
      const keepsUp = taken >= PROOF && now() - handed < PATIENCE_MS
      size = keepsUp ? Math.min(LARGEST, size * 2) : SMALLEST
      if (borrow) spare = filling
      filling = next ?? buffer(left)
      if (!next) reading = reads.read(filling)
    }
  } finally {
    reads.close()
  }
}

// Never out of Node's shared pool: a chunk's ArrayBuffer would then hold the bytes of others.
const memory = (size: number, left: number): Uint8Array => Buffer.allocUnsafeSlow(Math.min(size, left))
