import { DeadlineError, type ObjectInfo, type OpenObject, refuse, withDeadline } from '@sallyport/core'

import type { Piece } from './pieces.ts'

/** Deadline for opening a part that is not the first one, in milliseconds. The stores of this package have shorter ones. */
const OPEN_MS = 15_000
/** A part's speed is measured over at least this time, because its first chunks often wait in memory already. */
const LEAST_MS = 100

/** The pieces of one download. */
export interface Joined {
  /** The description of the joined object. */
  readonly info: ObjectInfo
  /** The first piece. */
  readonly first: Piece
  /** The first piece, which is open. */
  readonly opened: OpenObject
  /** The other pieces, in order. */
  readonly others: Iterator<Piece, void>
  /** Opens another piece. `undefined`: its object does not exist. */
  readonly open: (piece: Piece, signal: AbortSignal) => Promise<OpenObject | undefined>
  /** The next piece is opened when the current one will end within this time, in milliseconds. */
  readonly aheadMs: number
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

/**
 * Makes one open object of pieces. At most two are open at a time: the one that is read and, shortly before it ends, the next one,
 * whose bytes are not read yet.
 *
 * If opening ahead fails, the piece is opened again when its bytes are needed, and that result counts. So a fault of the store ends
 * the read exactly at the boundary, and whoever resumes there opens that piece first.
 */
export function joinPieces({ info, first, opened, others, open, aheadMs, now }: Joined): OpenObject {
  const closing = new AbortController()
  const held = new Set([opened])

  const openNext = async (piece: Piece): Promise<OpenObject> => {
    const object = await withDeadline((signal) => open(piece, signal), {
      ms: OPEN_MS,
      signal: closing.signal,
      late: (late) => late?.close(),
    }).catch((error: unknown) => {
      if (closing.signal.aborted) return refuse('unavailable')
      if (error instanceof DeadlineError)
        return refuse('unavailable', { cause: error, trouble: 'store_silent' })
      throw error
    })
    if (!object)
      return refuse('object_changed', {
        cause: new Error(`the part '${piece.part.key}' does not exist any more`),
      })
    held.add(object)
    if (closing.signal.aborted) close()
    return object
  }

  async function* inOrder(): AsyncGenerator<Uint8Array> {
    let piece: Piece | undefined = first
    let ahead: Promise<OpenObject | undefined> | undefined
    while (piece) {
      const object: OpenObject = piece === first ? opened : ((await ahead) ?? (await openNext(piece)))
      ahead = undefined
      const next: Piece | undefined = others.next().value ?? undefined
      const length = piece.range.last - piece.range.first + 1
      const begunAt = now()
      let left = length
      for await (const chunk of object.chunks) {
        left -= chunk.length
        if (left < 0)
          refuse('upstream_error', {
            trouble: 'store_overran',
            cause: new Error(`the part '${piece.part.key}' was too long`),
          })
        if (next && !ahead && endsWithin(aheadMs, left, length - left, now() - begunAt))
          ahead = openNext(next).catch(() => undefined)
        yield chunk
      }
      if (left > 0)
        refuse('unavailable', { cause: new Error(`the part '${piece.part.key}' ended ${left} bytes early`) })
      object.close()
      held.delete(object)
      piece = next
    }
  }

  const close = (): void => {
    closing.abort()
    for (const object of held) object.close()
    held.clear()
  }
  return { info, chunks: inOrder(), close }
}

/** Whether the bytes that are left will take at most `ms` milliseconds, at the speed of the bytes that were taken. */
const endsWithin = (ms: number, left: number, taken: number, elapsedMs: number): boolean =>
  left * Math.max(LEAST_MS, elapsedMs) <= taken * ms
