/** A limit for the bytes in memory of all its users together. */
export interface MemoryBudget {
  /**
   * Reserves bytes. `false`: too few are left, so none were reserved.
   *
   * @param of - `'any'`: may take the last byte. `'half'`: must leave half of the budget, for users that have shown that
   *   they need it. Default: `'any'`
   */
  reserve(bytes: number, of?: 'any' | 'half'): boolean
  /** Returns reserved bytes. */
  release(bytes: number): void
}

export function createMemoryBudget(bytes: number): MemoryBudget {
  let left = bytes
  return {
    reserve: (count, of = 'any') => {
      if (count > left - (of === 'half' ? bytes / 2 : 0)) return false
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
