import type { RateLimiter } from '../ports.ts'
import type { PortWatch } from './port-watch.ts'

/** Refuses the principal `busy` and admits all others. It does not count, so responses are always the same. */
export const createAdapterLimiter = (watch: PortWatch): RateLimiter => ({
  admit: (ask, signal) =>
    watch.call('limiter', signal, () =>
      ask.quotas.some(({ key }) => key.includes('busy'))
        ? {
            admitted: false,
            left: [{ name: 'principal', tokens: 0, nextMs: 4_200 }],
            by: 'principal',
            retryAfterMs: 4_200,
          }
        : {
            admitted: true,
            left: [{ name: 'principal', tokens: 59, nextMs: 1_000 }],
            release: ask.slots.length > 0 ? watch.hold() : () => undefined,
            refund: () => undefined,
          },
    ),
})
