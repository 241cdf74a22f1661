/**
 * Frees the memory of a chunk that nobody uses any more, if its buffer has nothing else. The chunk is empty afterwards.
 *
 * Large buffers are outside V8's heap, and V8 marks its whole heap after about 64 MiB of new ones: in a download of S3 that was half of
 * the CPU. A buffer that is freed by hand does not count.
 */
export function freeChunk({ buffer, byteLength }: Uint8Array): void {
  const isWhole = byteLength === buffer.byteLength && byteLength >= SMALLEST
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** Smaller ones are left to the garbage collector. */
const SMALLEST = 16_384
