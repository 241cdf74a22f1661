import { once } from 'node:events'

/** The waits of one download, in the order in which they come. */
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

/** Counts what is under way behind a door, and can stop one stage. */
export interface PortWatch {
  /** Makes a call of a port; at the stopped stage it hangs until its signal fires, and then rejects. */
  call<V>(stage: Stage, signal: AbortSignal, answer: () => V | Promise<V>): Promise<V>
  /** Something is held from now on. What it returns lets it go, once. */
  readonly hold: () => () => void
  readonly running: () => number
  readonly reached: (stage: Stage) => number
  /** Something moved that is not seen here. */
  readonly changed: () => void
  readonly until: (condition: () => boolean) => Promise<void>
}

export function createPortWatch(hangsAt: Stage | undefined): PortWatch {
  const waiting = new Set<() => void>()
  const reached = new Map<Stage, number>()
  let running = 0

  const changed = (): void => {
    for (const look of waiting) look()
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
      const letGo = hold()
      reached.set(stage, (reached.get(stage) ?? 0) + 1)
      changed()
      try {
        if (stage === hangsAt) await fired(signal)
        return await answer()
      } finally {
        letGo()
      }
    },
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}

/** Never resolves: rejects with the signal's reason. */
async function fired(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}
