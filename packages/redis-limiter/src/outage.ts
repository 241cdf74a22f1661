import type { TroubleCode, TroubleSource } from '@sallyport/core'

/** Reports an outage once when it begins and once when it is over, however many requests it affects. */
export interface Outage {
  readonly onTrouble: TroubleSource<'limiter'>
  /** Calls the listeners. Ignores errors that they throw. */
  report(code: TroubleCode<'limiter'>, cause?: unknown): void
  /** Records a failed call. The first one begins the outage. */
  failed(cause: unknown): void
  /** Reports that one key cannot be used, at most once a minute. It does not begin an outage. */
  keyFailed(cause: unknown): void
  /** Records an answer. `true`: it ended the outage. */
  answered(): boolean
}

/** An answer this long after the last failure ends an outage, so a server that fails now and then makes one event, not hundreds. */
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
  const listeners: Outage['report'][] = []
  let failedAt: number | undefined
  let keyFailedAt = -Infinity

  const report: Outage['report'] = (what, cause) => {
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
    report,
    failed: (cause) => {
      const isFirst = failedAt === undefined
      failedAt = now()
      if (isFirst) report(code, cause)
    },
    keyFailed: (cause) => {
      if (now() - keyFailedAt < KEY_FAILURE_MS) return
      keyFailedAt = now()
      report('limiter_key_unusable', cause)
    },
    answered: () => {
      if (failedAt === undefined || now() - failedAt < QUIET_MS) return false
      failedAt = undefined
      report('limiter_back')
      return true
    },
  }
}
