/** The text around the parts of a `multipart/byteranges` body, and the length of the whole (RFC 9110 §14.6). */
export interface ByterangesFrame {
  readonly contentType: string
  readonly heads: readonly string[]
  readonly tail: string
  /** Bytes of heads, parts and tail together. */
  readonly length: number
}

/** Frames the parts. `boundary` must be made of token characters and be unguessable, so that no part can hold it. */
export function frameByteranges(
  ranges: readonly { readonly first: number; readonly last: number }[],
  size: number,
  type: string,
  boundary: string,
): ByterangesFrame {
  const heads = ranges.map(
    ({ first, last }, index) =>
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${first}-${last}/${size}\r\n\r\n`,
  )
  const tail = `\r\n--${boundary}--\r\n`
  const text = heads.reduce((sum, head) => sum + head.length, tail.length)
  const length = ranges.reduce((sum, { first, last }) => sum + last - first + 1, text)
  return { contentType: `multipart/byteranges; boundary=${boundary}`, heads, tail, length }
}
