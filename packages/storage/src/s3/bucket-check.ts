import { abortable } from '@sallyport/core'

/** How long the result of a check counts, in milliseconds. */
const CHECK_MS = 10_000

/**
 * Confirms that the bucket exists, after a HEAD was answered with 404: the response to a HEAD has no body, so it does not say whether
 * the object or the bucket is missing.
 *
 * @param ask - sends a GET for the object. Rejects if the bucket is missing, or the store does not answer
 * @param now - milliseconds of a monotonic clock
 * @returns a function that rejects as `ask` does. It calls `ask` at most once in 10 s
 */
export function createBucketCheck(
  ask: (key: string) => Promise<unknown>,
  now: () => number = () => performance.now(),
): (key: string, signal: AbortSignal) => Promise<void> {
  let last: { readonly until: number; readonly result: Promise<unknown> } | undefined
  return async (key, signal) => {
    if (!last || now() >= last.until) last = { until: now() + CHECK_MS, result: ask(key) }
    await abortable(last.result, signal)
  }
}
