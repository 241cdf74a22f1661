import { abortable, DeadlineError, startTimer, withDeadline } from '../waiting.ts'
import { canReopen, DeliveryError, storeFault } from './delivery-error.ts'

/** Waits until the object may be opened again at `position`, or throws the `DeliveryError` that ends the download. */
export type BeforeReopen = (error: unknown, position: number) => Promise<void>

/** The limits for reopening the object of one download. */
export interface ReopenTerms {
  /** How often the object may be opened again without a byte in between. */
  readonly attempts: number
  /** How long an outage may last, in milliseconds. */
  readonly withinMs: number
  /** Shared by the downloads of one handler. */
  readonly pace: ReopenPace
  readonly signal: AbortSignal
  /** Called once per outage. An outage is a series of failures at the same position. */
  readonly onOutage: (fault: DeliveryError) => void
  /** As `Math.random`. */
  readonly random: () => number
}

const firstWaitMs = 50
const longestWaitMs = 2_000

/**
 * Decides whether and when a download opens its object again. After a cut, a stall or an unavailable store, it waits with
 * exponential back-off and jitter, and then for a turn from the pace that all downloads share. Throws after any other failure,
 * and when `attempts` or `withinMs` is used up.
 */
export function reopenPolicy({
  attempts,
  withinMs,
  pace,
  signal,
  onOutage,
  random,
}: ReopenTerms): BeforeReopen {
  let outage = { position: -1, tries: 0, endsAt: 0 }
  return async (error, position) => {
    signal.throwIfAborted()
    const fault = storeFault(error)
    if (!canReopen(fault)) throw fault
    if (position !== outage.position) {
      outage = { position, tries: 0, endsAt: performance.now() + withinMs }
      onOutage(fault)
    }
    const failure = new DeliveryError(fault.outcome, fault.cause, null)
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** outage.tries) * (0.5 + random())
    outage.tries += 1
    if (outage.tries > attempts || performance.now() + waitMs > outage.endsAt) throw failure
    await pause(waitMs, signal)
    try {
      await pace.turn(Math.max(0, outage.endsAt - performance.now()), signal)
    } catch (late) {
      throw late instanceof DeadlineError ? failure : late
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = startTimer(resolve, ms)
  })
  return abortable(over, signal).finally(() => clearTimeout(timer))
}

/** Limits how many downloads of one handler open their objects again per second. */
export interface ReopenPace {
  /**
   * Resolves when the caller may open its object, in the order of the calls.
   *
   * @param ms - the longest wait, in milliseconds
   * @throws DeadlineError after `ms`; the reason of `signal` when that fires
   */
  turn(ms: number, signal: AbortSignal): Promise<void>
}

const leastPerSecond = 10
const mostBatchesPerSecond = 100

/**
 * Gives every waiting download a turn, at even intervals. The limit per second is a fifth of the running downloads, and at least
 * 10. During an outage the store gets no more requests than this. When it
 * recovers, the downloads come back at this pace and not all at once.
 *
 * @param running - returns how many downloads the handler has. While downloads wait for a turn, the largest number seen counts. So
 *   the pace does not fall while downloads end
 */
export function createReopenPace(running: () => number): ReopenPace {
  const waiting = new Set<() => void>()
  const turns: number[] = []
  let mostRunning = 0
  let timer: NodeJS.Timeout | undefined

  const freeAt = (): number => {
    mostRunning = Math.max(mostRunning, running())
    const perSecond = Math.max(leastPerSecond, Math.floor(mostRunning / 5))
    // A timer is too coarse for more than 100 turns per second, so more turns are given in batches.
    const batch = Math.ceil(perSecond / mostBatchesPerSecond)
    return (turns.at(-batch) ?? -Infinity) + 1_000 / Math.floor(perSecond / batch)
  }
  const giveTurns = (): void => {
    timer = undefined
    for (const go of waiting) {
      const waitMs = freeAt() - performance.now()
      if (waitMs > 0) {
        timer = startTimer(giveTurns, waitMs)
        return
      }
      waiting.delete(go)
      turns.push(performance.now())
      if (turns.length > keptTurns) turns.splice(0, keptTurns / 2)
      go()
    }
    mostRunning = 0
  }
  const enqueue = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      waiting.add(resolve)
      signal.addEventListener('abort', () => waiting.delete(resolve))
      if (timer === undefined) giveTurns()
    })
  return { turn: (ms, signal) => withDeadline(enqueue, { ms, signal }) }
}

/** How many past turns are kept: more than the largest batch. */
const keptTurns = 2_000
