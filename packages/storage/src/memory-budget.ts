/** Bytes that may be held in memory at a time, over all who share it. */
export interface MemoryBudget {
  /** `false`: not so many are left, and none were taken. */
  take(bytes: number): boolean
  give(bytes: number): void
}

export function createMemoryBudget(bytes: number): MemoryBudget {
  let left = bytes
  return {
    take: (asked) => {
      if (asked > left) return false
      left -= asked
      return true
    },
    give: (back) => {
      left += back
    },
  }
}

const PROCESS_BYTES = 268_435_456

/** What all downloads of the process may hold together, of files and of what was read ahead: 256 MiB. */
export const processMemory: MemoryBudget = createMemoryBudget(PROCESS_BYTES)
