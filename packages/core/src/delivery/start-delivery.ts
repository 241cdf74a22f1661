import type { Outcome } from '../events.ts'
import { refusalCause } from '../refusals.ts'
import type { ExportBody } from '../request-response.ts'
import { abortable, startTimer } from '../waiting.ts'
import { DeliveryError, outcomeOf } from './delivery-error.ts'
import type { ObjectChunks } from './object-chunks.ts'

/** The limits and callbacks of one delivery. */
export interface DeliveryTerms {
  /** The client must take at least this many bytes in this many milliseconds. */
  readonly slowest: { readonly bytes: number; readonly perMs: number }
  /** Limits how fast the reader gets the bytes. Absent: it gets them as fast as it requests them. */
  readonly throttle?: Throttle | undefined
  /** Ends the delivery with its reason. */
  readonly signal: AbortSignal
  /** Fires the signal. */
  readonly stop: (reason: DeliveryError) => void
  /** Reports how the delivery ended. May be called again; only the first call counts. */
  readonly end: (outcome: Outcome, cause?: unknown) => void
  /** Reports bytes that the reader has taken, when it requests the next chunk. */
  readonly sent: (bytes: number) => void
}

/**
 * Waits for the first chunk, and returns the body. If the source throws before the first chunk, throws its error: the response
 * can then still be a refusal.
 *
 * Requesting the first chunk starts all generators. A generator that was never started does not run its `finally`.
 */
export async function startDelivery(
  length: number,
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  terms: DeliveryTerms,
): Promise<ExportBody> {
  const { signal } = terms
  // A generator that waits for its reader does not see the signal, so return() must end it.
  signal.addEventListener('abort', () => void chunks.return().catch(ignore), { once: true })
  const first = await chunks.next()
  return { length, signal, [Symbol.asyncIterator]: () => paced(first, chunks, terms) }
}

/**
 * Returns the body of a download whose bytes are all in one chunk of at most 64 KiB. Without a throttle it does the same as the
 * generators of a longer body, and costs less.
 */
export const bodyOfOneChunk = (chunk: Uint8Array, terms: DeliveryTerms): ExportBody => ({
  length: chunk.length,
  signal: terms.signal,
  [Symbol.asyncIterator]: () =>
    terms.throttle ? paced({ done: false, value: chunk }, ended, terms) : oneChunk(chunk, terms),
})

const ended = (async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {})()
void ended.next()

function oneChunk(
  chunk: Uint8Array,
  { slowest, signal, stop, end, sent }: DeliveryTerms,
): AsyncIterator<Uint8Array, void, undefined> {
  let state: 'held' | 'given' | 'ended' = 'held'
  const ms = Math.max(1, chunk.length / slowest.bytes) * slowest.perMs
  const timer = startTimer(() => stop(new DeliveryError('client_too_slow')), ms)
  const last = (): IteratorResult<Uint8Array, void> => {
    clearTimeout(timer)
    state = 'ended'
    return { done: true, value: undefined }
  }
  return {
    async next() {
      if (state === 'ended') return last()
      if (state === 'given') sent(chunk.length)
      if (signal.aborted) {
        last()
        end(outcomeOf(signal.reason), refusalCause(signal.reason))
        throw signal.reason
      }
      if (state === 'given') {
        end('completed')
        return last()
      }
      state = 'given'
      return { done: false, value: chunk }
    },
    async return() {
      stop(new DeliveryError('client_aborted'))
      end('client_aborted')
      return last()
    },
  }
}

/** Smaller pieces would cost too much CPU. */
const smallestPiece = 65_536

/**
 * Gives the chunks when the reader requests them and the throttle allows it, and ends the delivery if the reader is slower than
 * `slowest`. While the throttle pauses, the reader has no piece, so the pauses do not count.
 *
 * Splits a large chunk into pieces of `slowest.bytes`. So a stalled reader is cut after `slowest.perMs`, and not after the time
 * that the whole chunk may take. A throttle may want smaller pieces.
 *
 * A server may drop a response before it asks for a chunk. So the time of the first chunk begins here, and `return()` stops the
 * delivery itself: a generator that has not started runs no `finally`.
 */
function paced(
  step: IteratorResult<Uint8Array, void>,
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  { slowest, throttle, signal, stop, end, sent }: DeliveryTerms,
): AsyncIterator<Uint8Array, void, undefined> {
  const { bytes, perMs } = slowest
  const largestPiece = Math.min(Math.max(bytes, smallestPiece), throttle?.largestPiece ?? Infinity)
  let creditMs = perMs
  let deadline = 0 // 0: the reader has no piece
  // One timer for the whole body. It is set again only after it has fired, so a fast reader never resets it.
  let timer: NodeJS.Timeout | undefined
  let firesAt = Infinity
  const arm = (at: number): void => {
    if (at >= firesAt) return
    clearTimeout(timer)
    firesAt = at
    timer = startTimer(checkDeadline, at - performance.now())
  }
  const checkDeadline = (): void => {
    firesAt = Infinity
    if (deadline === 0) return
    if (deadline > performance.now()) arm(deadline)
    else stop(new DeliveryError('client_too_slow'))
  }
  const give = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    deadline = 0
    try {
      while (step.done !== true) {
        const chunk = step.value
        for (let at = 0; at < chunk.length; at += largestPiece) {
          signal.throwIfAborted()
          const piece = chunk.length > largestPiece ? chunk.subarray(at, at + largestPiece) : chunk
          const pause = throttle?.pauseBefore(piece.length)
          if (pause) await pause
          const givenAt = performance.now()
          const earnedMs = (piece.length / bytes) * perMs
          deadline = givenAt + Math.max(creditMs, earnedMs)
          arm(deadline)
          yield piece
          sent(piece.length)
          deadline = 0
          creditMs = Math.min(perMs, creditMs - (performance.now() - givenAt) + earnedMs)
        }
        step = await chunks.next()
      }
      // A source that return() has ended looks complete, so check the signal.
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
  const given = give()
  const firstPiece = step.done === true ? 0 : Math.min(step.value.length, largestPiece)
  deadline = performance.now() + Math.max(1, firstPiece / bytes) * perMs
  arm(deadline)
  return {
    next: () => given.next(),
    return: () => {
      clearTimeout(timer)
      stop(new DeliveryError('client_aborted'))
      return given.return()
    },
  }
}

const ignore = (): void => undefined

/** Limits the bytes per second of one download. */
export interface Throttle {
  /** The largest piece to give at once. Larger pieces would make long pauses between large bursts. */
  readonly largestPiece: number
  /**
   * Counts the bytes that are given next. `undefined`: they may be given now. Otherwise a promise that resolves when they may be
   * given, and rejects with the signal's reason when the signal fires.
   */
  readonly pauseBefore: (bytes: number) => Promise<void> | undefined
}

/** A shorter pause is left out and added to the next one, because a timer costs more than a write. */
const shortestPauseMs = 50
/** A download that its client, its store or a busy process has held up catches up by at most this many milliseconds. */
const largestLagMs = 250
const smallestThrottled = 1_024

/**
 * Creates the throttle of one download. Each piece has a time at which it is due, so a timer that fires late does not make the
 * download slower: the next pause is shorter.
 *
 * @param bytesPerSecond - the average speed
 * @param terms - `splits`: whether chunks may be split into smaller pieces. `signal`: ends a pause
 */
export function createThrottle(
  bytesPerSecond: number,
  { splits, signal }: { readonly splits: boolean; readonly signal: AbortSignal },
): Throttle {
  const bytesPerPause = Math.ceil((bytesPerSecond * shortestPauseMs) / 1_000)
  let dueAt: number | undefined
  return {
    largestPiece: splits ? Math.max(smallestThrottled, bytesPerPause) : Infinity,
    pauseBefore: (bytes) => {
      const now = performance.now()
      const due = Math.max(dueAt ?? now, now - largestLagMs)
      dueAt = due + (bytes * 1_000) / bytesPerSecond
      // Half a millisecond, because a timer may fire that much early, and the pause would then be left out.
      return due - now < shortestPauseMs - 0.5 ? undefined : pause(due - now, signal)
    },
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>()
  const timer = startTimer(over.resolve, ms)
  try {
    await abortable(over.promise, signal)
  } finally {
    clearTimeout(timer)
  }
}

/** A body of up to this many bytes is read completely before any of it is sent. */
export const longestBuffered = 65_536

/**
 * Reads a small object into one chunk, and closes it.
 *
 * @param length - bytes of the object, at least 1
 * @throws `store_cut` if it has fewer bytes, `store_overran` if it has more; and any error of the object
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

/** A body of bytes in memory, such as that of a refusal. It needs no release. */
export const wholeBody = (bytes: Uint8Array): ExportBody => ({
  length: bytes.length,
  [Symbol.asyncIterator]: () => once(bytes),
})

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes
}
