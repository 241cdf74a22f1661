import { listElements } from './field-values.ts'

/** Positions of bytes, both included (RFC 9110 §14.1.2). */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** One range as it was asked for, before the size is known: `a-b`, `a-` or `-n` (RFC 9110 §14.1.2). */
export type ByteRangeSpec =
  | { readonly kind: 'bounded'; readonly first: number; readonly last: number }
  | { readonly kind: 'open'; readonly first: number }
  | { readonly kind: 'suffix'; readonly length: number }

const longestField = 4_096

/** More parts, or more ranges that overlap another, look like an attack (RFC 9110 §17.15). */
const mostParts = 8
const mostOverlapping = 2

/** A smaller gap costs less to send than the part head it saves (RFC 9110 §15.3.7.2). */
const smallestGap = 80

/**
 * The value of `Range` (RFC 9110 §14.2) → the ranges asked for, at least one, in their order. Positions too large for a
 * number become the largest safe integer.
 *
 * `undefined`: ignore the field. It is absent, of another unit, malformed, or longer than 4,096 characters.
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

/** Whether the value of `Range` has a comma: a list, also one that is malformed, or coalesces to one range. */
export const isRangeList = (value: string | undefined): boolean => value?.includes(',') === true

/**
 * Ranges asked for, and the size of the whole in bytes → the parts to send: inside the whole, no byte twice, each at
 * least 80 bytes from the next.
 *
 * Parts stand in the order in which they were asked for, as §15.3.7.2 wishes; a coalesced one where the first of its
 * ranges stood. One range asked for never becomes several.
 *
 * `'whole'`: there is nothing to part (0 bytes, or nothing asked for): ignore the field.
 * `'unsatisfiable'`: no range touches the whole, more than 8 parts are left, or more than 2 ranges overlap another (RFC
 * 9110 §15.5.17).
 */
export function resolveByteRanges(
  specs: readonly ByteRangeSpec[],
  size: number,
): readonly ByteRange[] | 'unsatisfiable' | 'whole' {
  if (size === 0 || specs.length === 0) return 'whole'
  const asked = specs.flatMap((spec) => locate(spec, size) ?? [])
  const ascending = asked
    .map(({ first, last }, place) => ({ first, last, place }))
    .toSorted((one, other) => one.first - other.first)
  if (countOverlapping(ascending) > mostOverlapping) return 'unsatisfiable'
  const parts = coalesce(ascending)
  if (parts.length === 0 || parts.length > mostParts) return 'unsatisfiable'
  return parts.toSorted((one, other) => one.place - other.place).map(({ first, last }) => ({ first, last }))
}

/** `Content-Range` of a 206 or of a part (RFC 9110 §14.4). */
export const formatContentRange = ({ first, last }: ByteRange, size: number): string =>
  `bytes ${first}-${last}/${size}`

/** `Content-Range` of a 416 (RFC 9110 §15.5.17). */
export const formatUnsatisfiedRange = (size: number): string => `bytes */${size}`

function parseSpec(element: string): ByteRangeSpec | undefined {
  const [, first, last, suffix] = /^(?:(\d+)-(\d*)|-(\d+))$/.exec(element) ?? []
  if (suffix !== undefined) return { kind: 'suffix', length: position(suffix) }
  if (first === undefined) return undefined
  if (!last) return { kind: 'open', first: position(first) }
  // Judged before they are numbers: two positions past the largest one must not look alike.
  if (BigInt(first) > BigInt(last)) return undefined
  return { kind: 'bounded', first: position(first), last: position(last) }
}

const position = (digits: string): number => Math.min(Number(digits), Number.MAX_SAFE_INTEGER)

function locate(spec: ByteRangeSpec, size: number): ByteRange | undefined {
  if (spec.kind === 'suffix') {
    return spec.length > 0 ? { first: Math.max(0, size - spec.length), last: size - 1 } : undefined
  }
  const last = spec.kind === 'open' ? size - 1 : Math.min(spec.last, size - 1)
  return spec.first < size ? { first: spec.first, last } : undefined
}

interface PlacedRange extends ByteRange {
  readonly place: number
}

function countOverlapping(ascending: readonly PlacedRange[]): number {
  let reach = -1
  let count = 0
  for (const [index, { first, last }] of ascending.entries()) {
    const next = ascending[index + 1]
    if (first <= reach || (next && next.first <= last)) count += 1
    reach = Math.max(reach, last)
  }
  return count
}

function coalesce(ascending: readonly PlacedRange[]): readonly PlacedRange[] {
  const parts: PlacedRange[] = []
  for (const range of ascending) {
    const part = parts.at(-1)
    if (part && range.first - part.last - 1 < smallestGap) parts[parts.length - 1] = join(part, range)
    else parts.push(range)
  }
  return parts
}

const join = (part: PlacedRange, range: PlacedRange): PlacedRange => ({
  first: part.first,
  last: Math.max(part.last, range.last),
  place: Math.min(part.place, range.place),
})

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
