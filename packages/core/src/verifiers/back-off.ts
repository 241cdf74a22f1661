import { isWithin, type Runtime } from './runtime.ts'

/** Remembers that a source fails, and for how long not to ask it again. */
export interface BackOff {
  /** The last failure since the last success; `undefined`: none. */
  readonly failure: () => { readonly cause: unknown } | undefined
  /** Milliseconds until it may be asked again; 0: now. */
  readonly pauseLeft: () => number
  readonly failed: (cause: unknown) => void
  readonly recovered: () => void
}

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

/** Pauses of 1 s, doubled at each failure up to 30 s, each cut by chance to between half and the whole of it. */
export function createBackOff({ now, random }: Runtime): BackOff {
  let last:
    | { readonly cause: unknown; readonly count: number; readonly at: number; readonly pauseMs: number }
    | undefined
  return {
    failure: () => last,
    pauseLeft() {
      const at = now()
      return last && isWithin(at, last.at, last.pauseMs) ? last.at + last.pauseMs - at : 0
    },
    failed(cause) {
      const count = (last?.count ?? 0) + 1
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (count - 1))
      last = { cause, count, at: now(), pauseMs: longest * (0.5 + 0.5 * random()) }
    },
    recovered() {
      last = undefined
    },
  }
}
