import { abortable, DeadlineError, startTimer, withDeadline } from '../waiting.ts'
import { canReopen, DeliveryError, storeFault } from './delivery-error.ts'

/** Waits until the object may be opened again at `position`. Throws the `DeliveryError` that ends the download. */
export type BeforeReopen = (error: unknown, position: number) => Promise<void>

/** When one download gives up. */
export interface ReopenTerms {
  /** Re-opens in a row without a byte. */
  readonly attempts: number
  /** Milliseconds from the beginning of an outage. */
  readonly withinMs: number
  /** Shared by the downloads of one handler. */
  readonly pace: ReopenPace
  readonly signal: AbortSignal
  /** Called once per outage: a run of failures at one position. */
  readonly onOutage: (fault: DeliveryError) => void
  /** As `Math.random`. */
  readonly random: () => number
}

const firstWaitMs = 50
const longestWaitMs = 2_000

/**
 * Re-opens an object after the store broke off, stalled or gave no answer: after exponential back-off with jitter, and then
 * at the pace that all downloads share. Any other failure ends the download, and so does an outage that outlasts `attempts`
 * or `withinMs`.
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
    const reported = new DeliveryError(fault.outcome, fault.cause, null)
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** outage.tries) * (0.5 + random())
    outage.tries += 1
    if (outage.tries > attempts || performance.now() + waitMs > outage.endsAt) throw reported
    await pause(waitMs, signal)
    try {
      await pace.turn(Math.max(0, outage.endsAt - performance.now()), signal)
    } catch (late) {
      throw late instanceof DeadlineError ? reported : late
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

/** Limits how often the downloads of one handler open objects again. */
export interface ReopenPace {
  /**
   * Resolves when the caller may open; first come, first served.
   *
   * @param ms - how long to wait, in milliseconds
   * @throws DeadlineError after `ms`; the reason of `signal` when that fires
   */
  turn(ms: number, signal: AbortSignal): Promise<void>
}

const leastPerSecond = 10
const mostBatchesPerSecond = 100

/**
 * Every waiting download gets its turn, evenly spaced: in any second at most a fifth of the running downloads, and at least
 * 10. So a store that is back is not flooded, and one that stays away is not asked more often.
 *
 * @param running - how many downloads the handler has. The largest number since the queue formed counts: otherwise the
 *   queue would slow down with every download that ends
 */
export function createReopenPace(running: () => number): ReopenPace {
  const waiting = new Set<() => void>()
  const turns: number[] = []
  let mostRunning = 0
  let timer: NodeJS.Timeout | undefined

  const freeAt = (): number => {
    mostRunning = Math.max(mostRunning, running())
    const perSecond = Math.max(leastPerSecond, Math.floor(mostRunning / 5))
    // Timers are too coarse for a turn each, so many turns are given in batches.
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

/** More than the largest batch. */
const keptTurns = 2_000
