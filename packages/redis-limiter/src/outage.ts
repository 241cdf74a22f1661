import type { TroubleCode, TroubleSource } from '@sallyport/core'

/** Reports an outage once when it begins and once when it is over, however many requests it affects. */
export interface Outage {
  readonly onTrouble: TroubleSource<'limiter'>
  /** Calls the listeners. An error that a listener throws is ignored. */
  tell(code: TroubleCode<'limiter'>, cause?: unknown): void
  failed(cause: unknown): void
  /** Reports that one key cannot be used, at most once a minute. This is no outage. */
  keyFailed(cause: unknown): void
  /** `true`: the outage is over with this answer. */
  answered(): boolean
}

/** An answer this long after the last failure ends an outage, so a server that falters makes one event, not hundreds. */
const QUIET_MS = 1_000
const KEY_FAILURE_MS = 60_000

/**
 * @param code - the trouble code of an outage; its end is `limiter_back`
 * @param now - milliseconds of a monotonic clock
 */
export function createOutage(
  code: TroubleCode<'limiter'>,
  now: () => number = () => performance.now(),
): Outage {
  const listeners: Outage['tell'][] = []
  let failedAt: number | undefined
  let keyFailedAt = -Infinity

  const tell: Outage['tell'] = (what, cause) => {
    for (const listener of listeners) {
      try {
        listener(what, cause)
      } catch {
        // A broken listener must not stop the limiter.
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
    keyFailed: (cause) => {
      if (now() - keyFailedAt < KEY_FAILURE_MS) return
      keyFailedAt = now()
      tell('limiter_key_unusable', cause)
    },
    answered: () => {
      if (failedAt === undefined || now() - failedAt < QUIET_MS) return false
      failedAt = undefined
      tell('limiter_back')
      return true
    },
  }
}
