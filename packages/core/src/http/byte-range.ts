import { listElements } from './field-values.ts'

/** The first and the last byte of a range, both included (RFC 9110 §14.1.2). */
export interface ByteRange {
  /** The first byte, from 0. */
  readonly first: number
  /** The last byte, inclusive. */
  readonly last: number
}

/** One requested range, before the size is known: `a-b`, `a-` or `-n` (RFC 9110 §14.1.2). */
export type ByteRangeSpec =
  | { readonly kind: 'bounded'; readonly first: number; readonly last: number }
  | { readonly kind: 'open'; readonly first: number }
  | { readonly kind: 'suffix'; readonly length: number }

const longestField = 4_096

/** More parts, or more overlapping ranges, look like an attack (RFC 9110 §17.15). */
const mostParts = 8
const mostOverlapping = 2

/** Sending a smaller gap costs less than another part head (RFC 9110 §15.3.7.2). */
const smallestGap = 80

/**
 * Parses the value of `Range` (RFC 9110 §14.2). Returns the requested ranges, at least one, in their order. A position that is too
 * large for a number becomes the largest safe integer.
 *
 * `undefined`: ignore the field, because it is absent, of another unit, malformed, or longer than 4,096 characters.
 */
export function parseByteRanges(value: string | undefined): readonly ByteRangeSpec[] | undefined {
  if (value === undefined || value.length > longestField) return undefined
  const set = /^bytes=(.*)$/i.exec(value)?.[1]
  if (set === undefined) return undefined
  const specs: ByteRangeSpec[] = []
  for (const element of listElements(set)) {
    const spec = parseSpec(element)
    if (!spec) return undefined
    specs.push(spec)
  }
  return specs.length > 0 ? specs : undefined
}

/** Whether the value of `Range` has a comma. The list may be malformed, or coalesce to one range. */
export const isRangeList = (value: string | undefined): boolean => value?.includes(',') === true

/**
 * Resolves the requested ranges against the size. The resulting parts lie within the representation, do not overlap, and are at
 * least 80 bytes apart. They keep the requested order (§15.3.7.2); a coalesced part takes the position of its first range. One
 * requested range never becomes several.
 *
 * @param size - bytes of the representation
 * @returns the parts to send. `'whole'`: the size is 0 or no range was requested, so ignore the field. `'unsatisfiable'`: no range
 *   lies within the size, more than 8 parts remain, or more than 2 ranges overlap another (RFC 9110 §15.5.17)
 */
export function resolveByteRanges(
  specs: readonly ByteRangeSpec[],
  size: number,
): readonly ByteRange[] | 'unsatisfiable' | 'whole' {
  if (size === 0 || specs.length === 0) return 'whole'
  const located = specs.flatMap((spec) => resolveSpec(spec, size) ?? [])
  const ascending = located
    .map(({ first, last }, order) => ({ first, last, order }))
    .toSorted((one, other) => one.first - other.first)
  if (countOverlapping(ascending) > mostOverlapping) return 'unsatisfiable'
  const parts = coalesce(ascending)
  if (parts.length === 0 || parts.length > mostParts) return 'unsatisfiable'
  return parts.toSorted((one, other) => one.order - other.order).map(({ first, last }) => ({ first, last }))
}

/** Formats the `Content-Range` of a 206 or of a part (RFC 9110 §14.4). */
export const formatContentRange = ({ first, last }: ByteRange, size: number): string =>
  `bytes ${first}-${last}/${size}`

/** Formats the `Content-Range` of a 416 (RFC 9110 §15.5.17). */
export const formatUnsatisfiedRange = (size: number): string => `bytes */${size}`

function parseSpec(element: string): ByteRangeSpec | undefined {
  const [, first, last, suffix] = /^(?:(\d+)-(\d*)|-(\d+))$/.exec(element) ?? []
  if (suffix !== undefined) return { kind: 'suffix', length: position(suffix) }
  if (first === undefined) return undefined
  if (!last) return { kind: 'open', first: position(first) }
  // Compare as BigInt: two positions above the largest safe integer would be equal as numbers.
  if (BigInt(first) > BigInt(last)) return undefined
  return { kind: 'bounded', first: position(first), last: position(last) }
}

const position = (digits: string): number => Math.min(Number(digits), Number.MAX_SAFE_INTEGER)

function resolveSpec(spec: ByteRangeSpec, size: number): ByteRange | undefined {
  if (spec.kind === 'suffix') {
    return spec.length > 0 ? { first: Math.max(0, size - spec.length), last: size - 1 } : undefined
  }
  const last = spec.kind === 'open' ? size - 1 : Math.min(spec.last, size - 1)
  return spec.first < size ? { first: spec.first, last } : undefined
}

interface OrderedRange extends ByteRange {
  readonly order: number
}

function countOverlapping(ascending: readonly OrderedRange[]): number {
  let furthest = -1
  let count = 0
  for (const [index, { first, last }] of ascending.entries()) {
    const next = ascending[index + 1]
    if (first <= furthest || (next && next.first <= last)) count += 1
    furthest = Math.max(furthest, last)
  }
  return count
}

function coalesce(ascending: readonly OrderedRange[]): readonly OrderedRange[] {
  const parts: OrderedRange[] = []
  for (const range of ascending) {
    const part = parts.at(-1)
    if (part && range.first - part.last - 1 < smallestGap) parts[parts.length - 1] = join(part, range)
    else parts.push(range)
  }
  return parts
}

const join = (part: OrderedRange, range: OrderedRange): OrderedRange => ({
  first: part.first,
  last: Math.max(part.last, range.last),
  order: Math.min(part.order, range.order),
})

/** The text around the parts of a `multipart/byteranges` body, and the length of the body (RFC 9110 §14.6). */
export interface ByterangesFrame {
  readonly contentType: string
  /** The text before a part: the delimiter and the part's header fields. */
  readonly head: (part: ByteRange, isFirst: boolean) => string
  readonly tail: string
  /** Bytes of all heads, parts and the tail. */
  readonly length: number
}

/**
 * The most bytes of one part. A longer range is sent as several parts, so that every write of the body begins with a part head. A
 * client may not rely on getting the ranges exactly as requested (RFC 9110 §15.3.7.2).
 */
export const longestPart = 61_440

/**
 * Makes the frame of a multipart body.
 *
 * @param size - bytes of the whole representation
 * @param type - the media type of each part
 * @param boundary - token characters. It must be unguessable, so that no part can contain it
 */
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

/** Splits a range into parts of at most {@link longestPart} bytes, in order. */
export function* partsOf({ first, last }: ByteRange): Generator<ByteRange, void, undefined> {
  for (let at = first; at <= last; at += longestPart)
    yield { first: at, last: Math.min(at + longestPart - 1, last) }
}

/** Counts the decimal digits of `count` numbers in steps of `longestPart`. Does not loop over them, because there may be millions. */
function digitsOf(from: number, count: number): number {
  let digits = count
  for (let power = 10; power <= from + (count - 1) * longestPart; power *= 10) {
    const shorter = Math.max(0, Math.ceil((power - from) / longestPart))
    digits += count - Math.min(shorter, count)
  }
  return digits
}
