import type { RateLimiter } from '@sallyport/core'

/** A limiter that counts the admissions that were not released. */
export interface CountingLimiter extends RateLimiter {
  held(): number
}

/** Counts the admissions with slots that were not released. */
export function createCountingLimiter(limiter: RateLimiter): CountingLimiter {
  let held = 0
  return {
    held: () => held,
    admit: async (ask, signal) => {
      const admission = await limiter.admit(ask, signal)
      if (!admission.admitted || ask.slots.length === 0) return admission
      held += 1
      let released = false
      return {
        ...admission,
        release: () => {
          if (!released) held -= 1
          released = true
          admission.release()
        },
      }
    },
  }
}
