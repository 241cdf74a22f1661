import type { MemoryBudget } from '../memory-budget.ts'
import type { Disk } from './disk.ts'
import type { Threads } from './threads.ts'

/** What a store needs of its process. */
export interface Around {
  readonly disk: Disk
  readonly threads: Threads
  readonly memory: MemoryBudget
  /** Milliseconds, never going back. */
  readonly now: () => number
}
