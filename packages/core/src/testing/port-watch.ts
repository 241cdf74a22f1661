import { once } from 'node:events'

/** The stages of a download that call a port, in their order. */
export const stages = [
  'verifier',
  'tenants',
  'limiter',
  'catalogue',
  'head',
  'get',
  'first chunk',
  'audit',
  'later chunk',
] as const

export type Stage = (typeof stages)[number]

/** Counts the port calls, slots and open objects of a handler, and can stop one stage. */
export interface PortWatch {
  /** Calls a port. At the stopped stage, waits until the signal fires, and rejects. */
  call<V>(stage: Stage, signal: AbortSignal, answer: () => V | Promise<V>): Promise<V>
  /** Counts something as held. Returns a function that releases it; a second call does nothing. */
  readonly hold: () => () => void
  readonly running: () => number
  readonly reached: (stage: Stage) => number
  /** Makes `until` check its conditions again. */
  readonly changed: () => void
  /** Resolves when the condition is true. */
  readonly until: (condition: () => boolean) => Promise<void>
}

export function createPortWatch(hangsAt: Stage | undefined): PortWatch {
  const waiting = new Set<() => void>()
  const reached = new Map<Stage, number>()
  let running = 0

  const changed = (): void => {
    for (const check of waiting) check()
  }
  const hold = (): (() => void) => {
    let held = true
    running += 1
    return () => {
      if (!held) return
      held = false
      running -= 1
      changed()
    }
  }
  return {
    hold,
    changed,
    running: () => running,
    reached: (stage) => reached.get(stage) ?? 0,
    call: async (stage, signal, answer) => {
      const release = hold()
      reached.set(stage, (reached.get(stage) ?? 0) + 1)
      changed()
      try {
        if (stage === hangsAt) await fired(signal)
        return await answer()
      } finally {
        release()
      }
    },
    until: (condition) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!condition()) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
  }
}

/** Never resolves: rejects with the signal's reason. */
async function fired(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}
