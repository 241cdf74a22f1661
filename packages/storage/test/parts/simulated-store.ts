import type { ExportStore } from '@sallyport/core'

/** A clock that moves only when everything waits for it. */
export interface SimulatedClock {
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** Moves the clock until the work is done. */
  readonly run: <T>(work: Promise<T>) => Promise<T>
}

export function simulatedClock(): SimulatedClock {
  let now = 0
  const sleepers: { readonly at: number; readonly wake: () => void }[] = []
  return {
    now: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: now + ms, wake })),
    run: async (work) => {
      const state = { isDone: false }
      const settled = work.finally(() => (state.isDone = true))
      settled.catch(() => {})
      while (!state.isDone) {
        await new Promise((resolve) => setImmediate(resolve)) // all that is ready to run has run
        sleepers.sort((one, other) => one.at - other.at)
        const next = sleepers.shift()
        if (!next) continue
        now = next.at
        next.wake()
      }
      return settled
    },
  }
}

/** Objects of zeros, with the validator `"1"`, that a clock delays. */
export function simulatedStore(
  { sleep }: SimulatedClock,
  {
    sizes,
    latencyMs,
    chunk = 65_536,
    bytesPerMs,
  }: {
    /** The size of the object with this key. */
    readonly sizes: (key: string) => number
    readonly latencyMs: number
    readonly chunk?: number
    readonly bytesPerMs: number
  },
): ExportStore {
  const zeros = new Uint8Array(chunk)
  const infoOf = (key: string) => ({ size: sizes(key), validator: '"1"' })
  return {
    head: async (key) => infoOf(key),
    get: async (key, { range }) => {
      await sleep(latencyMs)
      const info = infoOf(key)
      const { first, last } = range ?? { first: 0, last: info.size - 1 }
      return {
        info,
        chunks: (async function* () {
          for (let at = first; at <= last; at += chunk) {
            const bytes = zeros.subarray(0, Math.min(chunk, last + 1 - at))
            await sleep(bytes.length / bytesPerMs)
            yield bytes
          }
        })(),
        close: () => {},
      }
    },
  }
}
