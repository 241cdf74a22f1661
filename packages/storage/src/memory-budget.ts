/** A limit for the bytes in memory of all its users together. */
export interface MemoryBudget {
  /**
   * Reserves bytes. `false`: too few are left, so none were reserved.
   *
   * @param share - the part of the budget that may be taken with these bytes, by all users together: 1 for all of it. The rest is for
   *   users that have shown that they need it. Default: 1
   */
  reserve(bytes: number, share?: number): boolean
  /** Returns reserved bytes. */
  release(bytes: number): void
}

export function createMemoryBudget(bytes: number): MemoryBudget {
  let left = bytes
  return {
    reserve: (count, share = 1) => {
      if (count > left - bytes * (1 - share)) return false
      left -= count
      return true
    },
    release: (count) => {
      left += count
    },
  }
}

const PROCESS_BYTES = 268_435_456

/** The memory for all file buffers and read-ahead parts of the process: 256 MiB. */
export const processMemory: MemoryBudget = createMemoryBudget(PROCESS_BYTES)
