import type { TroubleCode, TroubleSource } from '@sallyport/core'

/** Tells of an outage once when it begins and once when it is over, however many requests it meets. */
export interface Outage {
  readonly onTrouble: TroubleSource<'limiter'>
  /** Tells the listeners; what they throw is theirs. */
  tell(code: TroubleCode<'limiter'>, cause?: unknown): void
  failed(cause: unknown): void
  /** `true`: the outage is over with this answer. */
  answered(): boolean
}

/** An answer so long after the last failure ends an outage: a server that falters makes one event, not hundreds. */
const QUIET_MS = 1_000

/**
 * @param code - what an outage is told as; its end is `limiter_back`
 * @param now - milliseconds of a monotonic clock
 */
export function createOutage(
  code: TroubleCode<'limiter'>,
  now: () => number = () => performance.now(),
): Outage {
  const listeners: Outage['tell'][] = []
  let failedAt: number | undefined

  const tell: Outage['tell'] = (what, cause) => {
    for (const listener of listeners) {
      try {
        listener(what, cause)
      } catch {
        // a broken listener must not close the door
      }
    }
  }

  return {
    onTrouble: (listener) => {
      listeners.push(listener)
    },
    tell,
    failed: (cause) => {
      const isFirst = failedAt === undefined
      failedAt = now()
      if (isFirst) tell(code, cause)
    },
    answered: () => {
      if (failedAt === undefined || now() - failedAt < QUIET_MS) return false
      failedAt = undefined
      tell('limiter_back')
      return true
    },
  }
}
