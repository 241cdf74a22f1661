import type { Runtime } from '../../src/verifiers/runtime.ts'

/** A world whose clock stands still until it is told to go on. Chance is always one half. */
export interface TestWorld extends Runtime {
  readonly pass: (ms: number) => void
}

export function createTestWorld(startMs = 1_800_000_000_000, deadlineMs = 5_000): TestWorld {
  let at = startMs
  return {
    now: () => at,
    random: () => 0.5,
    deadlineMs,
    mostTokens: 100,
    mostBytes: 1_000_000,
    pass(ms) {
      at += ms
    },
  }
}
