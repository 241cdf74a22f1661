import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { AdmissionAsk, ExportStore, RateLimiter } from '../../src/ports.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'

/** A limiter on a clock that stands still, what it was asked and what it was given back. */
export function openLimiter(): {
  limiter: RateLimiter
  asked: AdmissionAsk[]
  refunds: number[]
  open: () => number
} {
  const memory = createMemoryLimiter({ maxKeys: 1_000, now: () => 0 })
  const asked: AdmissionAsk[] = []
  const refunds: number[] = []
  let open = 0
  const limiter: RateLimiter = {
    admit: async (ask, signal) => {
      asked.push(ask)
      const admission = await memory.admit(ask, signal)
      if (!admission.admitted) return admission
      const refund = (tokens: number): void => {
        refunds.push(tokens)
        admission.refund(tokens)
      }
      if (ask.slots.length === 0) return { ...admission, refund }
      open += 1
      return {
        ...admission,
        refund,
        release: () => {
          open -= 1
          admission.release()
        },
      }
    },
  }
  return { limiter, asked, refunds, open: () => open }
}
/** A store whose object stops after its first chunk until the gate is open. */
export function openGatedStore(): { store: ExportStore; gate: PromiseWithResolvers<void> } {
  const gate = Promise.withResolvers<void>()
  const memory = createMemoryStore({ 'acme/ready': 'x'.repeat(200_000) })
  const store: ExportStore = {
    ...memory,
    get: async (...asked) => {
      const object = await memory.get(...asked)
      async function* chunks(): AsyncGenerator<Uint8Array> {
        for await (const chunk of object?.chunks ?? []) {
          yield chunk
          await gate.promise
        }
      }
      return object && { ...object, chunks: chunks() }
    },
  }
  return { store, gate }
}
