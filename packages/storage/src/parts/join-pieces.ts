import { DeadlineError, type ObjectInfo, type OpenObject, refuse, withDeadline } from '@sallyport/core'

import { measurePace } from './pace.ts'
import { lengthOf, type Piece } from './pieces.ts'

/** Deadline for opening a part that is not the first one, in milliseconds. The stores of this package have shorter ones. */
const OPEN_MS = 15_000
/**
 * The most pieces that are opened ahead. Four cover an opening that takes as long as the download of four parts: 20 ms with parts of 1 MiB
 * at 200 MiB/s. Each one holds a connection, so there are not more.
 */
const MOST_AHEAD = 4
/** The most bodies of one download that are open at a time: the one that is read, and those ahead. */
export const MOST_OPEN: number = 1 + MOST_AHEAD

/** The pieces of one download. */
export interface Joined {
  /** The description of the joined object. */
  readonly info: ObjectInfo
  /** The first piece. */
  readonly first: Piece
  /** The first piece, which is open. */
  readonly opened: OpenObject
  /** How long that took, in milliseconds. */
  readonly openMs: number
  /** The other pieces, in order. */
  readonly others: Iterator<Piece, void>
  /** Opens another piece. `undefined`: its object does not exist. */
  readonly open: (piece: Piece, signal: AbortSignal) => Promise<OpenObject | undefined>
  /** The next piece is opened when the current one will end within this time, in milliseconds. */
  readonly aheadMs: number
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

/** A piece that was opened before its turn. */
interface Ahead {
  readonly piece: Piece
  /** `undefined`: it could not be opened. */
  readonly opening: Promise<OpenObject | undefined>
}

/**
 * Makes one open object of pieces. The next piece is opened shortly before the current one ends. If pieces take less time than
 * opening one, up to {@link MOST_AHEAD} are opened ahead, so that each is open when its turn comes. Their bytes are not read before.
 *
 * If opening ahead fails, the piece is opened again when its bytes are needed, and that result counts. So a fault of the store ends
 * the read exactly at the boundary, and whoever resumes there opens that piece first.
 */
export function joinPieces({ info, first, opened, openMs, others, open, aheadMs, now }: Joined): OpenObject {
  const closing = new AbortController()
  const held = new Set([opened])
  const pace = measurePace(now, openMs)
  const ahead: Ahead[] = []
  let stopAhead = new AbortController()
  /** Pieces that were taken from the iterator and are not opened, in order. */
  const unopened: Piece[] = []
  const firstUnopened = (): Piece | undefined => {
    const piece = unopened.length === 0 && others.next().value
    if (piece) unopened.push(piece)
    return unopened[0]
  }

  const openNext = async (piece: Piece, stop = closing.signal): Promise<OpenObject> => {
    const begunAt = now()
    const object = await withDeadline((signal) => open(piece, signal), {
      ms: OPEN_MS,
      signal: stop,
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
    pace.opened(now() - begunAt)
    held.add(object)
    if (closing.signal.aborted) close()
    return object
  }

  const closeOnce = (object: OpenObject): void => {
    if (held.delete(object)) object.close()
  }
  /** Closes what is opened ahead, or is being opened. */
  const closeAhead = (): void => {
    stopAhead.abort()
    stopAhead = new AbortController()
    const given = ahead.splice(0)
    for (const { opening } of given) void opening.then((object) => object && closeOnce(object))
    unopened.unshift(...given.map(({ piece }) => piece))
  }

  /** Opens pieces ahead, if their turn comes soon enough. `left`: bytes of the current piece that are not read. */
  const openAhead = (left: number): void => {
    let before = ahead.reduce((sum, { piece }) => sum + lengthOf(piece), left)
    for (let next = firstUnopened(); next && ahead.length < MOST_AHEAD; next = firstUnopened()) {
      const isSoon =
        ahead.length === 0 ? pace.endsWithin(before, aheadMs) : pace.endsWithinOpening(before, aheadMs)
      if (!isSoon) return
      before += lengthOf(next)
      ahead.push({ piece: next, opening: openNext(next, stopAhead.signal).catch(() => undefined) })
      unopened.shift()
    }
  }

  /** The next piece, opened. */
  const takeNext = async (): Promise<{ piece: Piece; object: OpenObject } | undefined> => {
    const next = ahead.shift()
    const object = await next?.opening
    if (next && object) return { piece: next.piece, object }
    closeAhead() // so that none is kept open while this one waits for a connection
    const piece = next?.piece ?? firstUnopened()
    if (!piece) return undefined
    if (!next) unopened.shift()
    return { piece, object: await openNext(piece) }
  }

  async function* inOrder(): AsyncGenerator<Uint8Array> {
    let current: { piece: Piece; object: OpenObject } | undefined = { piece: first, object: opened }
    while (current) {
      const { piece, object }: { piece: Piece; object: OpenObject } = current
      let left = lengthOf(piece)
      pace.begins()
      for await (const chunk of object.chunks) {
        left -= chunk.length
        if (left < 0)
          refuse('upstream_error', {
            trouble: 'store_overran',
            cause: new Error(`the part '${piece.part.key}' was too long`),
          })
        pace.took(chunk.length)
        openAhead(left)
        yield chunk
      }
      if (left > 0)
        refuse('unavailable', { cause: new Error(`the part '${piece.part.key}' ended ${left} bytes early`) })
      closeOnce(object)
      pace.waits()
      current = await takeNext()
    }
  }

  const close = (): void => {
    closing.abort()
    stopAhead.abort()
    for (const object of held) closeOnce(object)
  }
  return { info, chunks: inOrder(), close }
}
