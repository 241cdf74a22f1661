import type { MemoryBudget } from '../memory-budget.ts'
import type { Disk } from './disk.ts'
import type { ThreadPool } from './threads.ts'

/** What a store needs of its process. */
export interface Around {
  /** For paths whose volume is not known yet: each call waits on a pool thread. */
  readonly disk: Disk
  /** Looks at the volume under a resolved path, on one pool thread. Gives the calls for the files below it, and its name. */
  readonly diskUnder: (path: string, called: (disk: Disk, volume: string) => void) => void
  readonly threads: ThreadPool
  readonly memory: MemoryBudget
  /** Milliseconds, never going back. */
  readonly now: () => number
}
