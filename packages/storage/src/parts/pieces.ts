import type { ByteRange } from '@sallyport/core'

import type { PinnedPart } from './part.ts'

/** The bytes of one part that a download reads. At least one. */
export interface Piece {
  readonly part: PinnedPart
  /** Positions in the part, not in the joined object. */
  readonly range: ByteRange
}

/**
 * Gives the pieces of a range of the joined object, in order. Parts outside the range, and parts without bytes, have none. A piece
 * is made when it is requested, so a download of 10,000 parts does not hold as many pieces.
 */
export function* piecesOf(parts: readonly PinnedPart[], { first, last }: ByteRange): Generator<Piece, void> {
  let start = 0
  for (const part of parts) {
    const end = start + part.last - part.first
    const from = Math.max(first, start)
    const to = Math.min(last, end)
    if (from <= to) yield { part, range: { first: part.first + from - start, last: part.first + to - start } }
    start = end + 1
    if (start > last) return
  }
}

/** Whether the piece is the whole object, so that it can be opened without a range. */
export const isWhole = ({ part: { size }, range: { first, last } }: Piece): boolean =>
  first === 0 && last === size - 1

/** Bytes of the piece. */
export const lengthOf = ({ range: { first, last } }: Piece): number => last - first + 1
