import type { Outcome } from '../events.ts'
import { refusalCause } from '../refusals.ts'
import type { ExportBody } from '../request-response.ts'
import { startTimer } from '../waiting.ts'
import { DeliveryError, outcomeOf } from './delivery-error.ts'
import type { ObjectChunks } from './object-chunks.ts'

/** What a running delivery answers to. */
export interface DeliveryTerms {
  readonly slowest: { readonly bytes: number; readonly perMs: number }
  /** Ends the delivery; its reason says why. */
  readonly signal: AbortSignal
  /** Gives up on the delivery: fires the signal. */
  readonly stop: (reason: DeliveryError) => void
  /** Called once with how it ended; later calls are ignored by the callee. */
  readonly end: (outcome: Outcome, cause?: unknown) => void
  /** Called when the reader has taken so many bytes: when it asks for the next ones. */
  readonly sent: (bytes: number) => void
}

/**
 * The first-byte gate: a body whose first chunk is in hand. Throws what the source throws before that, while a clean
 * refusal is still possible. It starts every generator below, and only so is each `finally` armed.
 */
export async function startDelivery(
  length: number,
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  terms: DeliveryTerms,
): Promise<ExportBody> {
  const { signal } = terms
  // A generator that waits for its reader does not feel the signal: it has to be ended.
  signal.addEventListener('abort', () => void chunks.return().catch(ignore), { once: true })
  const first = await chunks.next()
  return { length, signal, [Symbol.asyncIterator]: () => untilReturn(paced(first, chunks, terms), terms) }
}

/** The same, of a body that is whole in one chunk: its source has ended well. */
export const deliverWhole = (chunk: Uint8Array, terms: DeliveryTerms): ExportBody => ({
  length: chunk.length,
  signal: terms.signal,
  [Symbol.asyncIterator]: () => untilReturn(paced({ done: false, value: chunk }, ended, terms), terms),
})

const ended = (async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {})()
void ended.next()

/**
 * Ends the delivery when its reader returns the iterator, also before it asked for a chunk: a generator that has not
 * started runs no `finally`.
 */
const untilReturn = (
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  { stop }: DeliveryTerms,
): AsyncIterator<Uint8Array, void, undefined> => ({
  next: () => chunks.next(),
  return: () => {
    stop(new DeliveryError('client_aborted'))
    return chunks.return()
  },
})

/** Smaller pieces cost more CPU than they are worth. */
const smallestPiece = 65_536

/**
 * Hands the chunks on at the reader's pace, and gives up on a reader that is slower than the floor.
 *
 * A larger chunk is handed on in pieces that the floor grants one window: so a reader that stops is given up on after
 * one window, and not after the time in which it might have taken the whole chunk.
 */
async function* paced(
  step: IteratorResult<Uint8Array, void>,
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  { slowest, signal, stop, end, sent }: DeliveryTerms,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { bytes, perMs } = slowest
  const largestPiece = Math.max(bytes, smallestPiece)
  let patience = perMs
  let waitsUntil = 0 // 0: the reader holds nothing
  // One timer for the whole body, looked at when it fires: a fast reader never moves it.
  let timer: NodeJS.Timeout | undefined
  let firesAt = Infinity
  const arm = (at: number): void => {
    if (at >= firesAt) return
    clearTimeout(timer)
    firesAt = at
    timer = startTimer(look, at - performance.now())
  }
  const look = (): void => {
    firesAt = Infinity
    if (waitsUntil === 0) return
    if (waitsUntil > performance.now()) arm(waitsUntil)
    else stop(new DeliveryError('client_too_slow'))
  }
  try {
    while (step.done !== true) {
      const chunk = step.value
      for (let at = 0; at < chunk.length; at += largestPiece) {
        signal.throwIfAborted()
        const piece = chunk.length > largestPiece ? chunk.subarray(at, at + largestPiece) : chunk
        const handed = performance.now()
        const grant = (piece.length / bytes) * perMs
        waitsUntil = handed + Math.max(patience, grant)
        arm(waitsUntil)
        yield piece
        sent(piece.length)
        waitsUntil = 0
        patience = Math.min(perMs, patience - (performance.now() - handed) + grant)
      }
      step = await chunks.next()
    }
    // A source that was ended for a reason looks done.
    signal.throwIfAborted()
    end('completed')
  } catch (error) {
    end(outcomeOf(error), refusalCause(error))
    throw error
  } finally {
    clearTimeout(timer)
    end('client_aborted')
    void chunks.return().catch(ignore)
  }
}

const ignore = (): void => undefined

/** Up to this many bytes a body is taken in one piece: nothing of it is sent before all of it is in hand. */
export const longestBuffered = 65_536

/**
 * All bytes of a small object as one chunk of `length`, at least 1. Throws `store_cut` where there are fewer,
 * `store_overran` where there are more, and what the object throws. Closes it.
 */
export async function bufferBody(length: number, chunks: ObjectChunks, borrow: boolean): Promise<Uint8Array> {
  let whole: Uint8Array | undefined
  let filled = 0
  try {
    for (;;) {
      const { done, value: chunk } = await chunks.next()
      if (done === true) break
      if (filled + chunk.length > length) throw new DeliveryError('store_overran')
      if (!whole && chunk.length === length && !borrow) whole = chunk
      else (whole ??= new Uint8Array(length)).set(chunk, filled)
      filled += chunk.length
    }
  } finally {
    chunks.close()
  }
  if (!whole || filled < length) throw new DeliveryError('store_cut')
  return whole
}

/** A body that is all in hand, such as a refusal's. Holds nothing that has to be let go. */
export const wholeBody = (bytes: Uint8Array): ExportBody => ({
  length: bytes.length,
  [Symbol.asyncIterator]: () => once(bytes),
})

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes
}
