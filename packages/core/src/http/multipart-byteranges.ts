import type { ByteRange } from './byte-range.ts'

/** The text around the parts of a `multipart/byteranges` body, and the length of the whole (RFC 9110 §14.6). */
export interface ByterangesFrame {
  readonly contentType: string
  /** The text before a part: the delimiter and the part's header fields. */
  readonly head: (part: ByteRange, isFirst: boolean) => string
  readonly tail: string
  /** Bytes of heads, parts and tail together. */
  readonly length: number
}

/**
 * The most bytes of one part. A longer range is sent as several parts, one after the other, so that every write of the
 * body can begin with a head: a client may not rely on getting the ranges as it asked for them (RFC 9110 §15.3.7.2).
 */
export const longestPart = 61_440

/** Frames the parts. `boundary` must be made of token characters and be unguessable, so that no part can hold it. */
export function frameByteranges(
  ranges: readonly ByteRange[],
  size: number,
  type: string,
  boundary: string,
): ByterangesFrame {
  const before = `--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes `
  const after = `/${size}\r\n\r\n`
  const head = ({ first, last }: ByteRange, isFirst: boolean): string =>
    `${isFirst ? '' : '\r\n'}${before}${first}-${last}${after}`
  const tail = `\r\n--${boundary}--\r\n`
  const fixed = `\r\n${before}-${after}`.length
  let length = tail.length - '\r\n'.length // the first head has no line break before it
  for (const { first, last } of ranges) {
    const bytes = last - first + 1
    const parts = Math.ceil(bytes / longestPart)
    const firsts = digitsOf(first, parts)
    const lasts = digitsOf(first + longestPart - 1, parts - 1) + String(last).length
    length += bytes + parts * fixed + firsts + lasts
  }
  return { contentType: `multipart/byteranges; boundary=${boundary}`, head, tail, length }
}

/** The parts of a range, in order. */
export function* partsOf({ first, last }: ByteRange): Generator<ByteRange, void, undefined> {
  for (let at = first; at <= last; at += longestPart)
    yield { first: at, last: Math.min(at + longestPart - 1, last) }
}

/** The decimal digits of `count` numbers, each `longestPart` above the one before. Not a loop: there may be millions. */
function digitsOf(from: number, count: number): number {
  let digits = count
  for (let power = 10; power <= from + (count - 1) * longestPart; power *= 10) {
    const shorter = Math.max(0, Math.ceil((power - from) / longestPart))
    digits += count - Math.min(shorter, count)
  }
  return digits
}
