/** A limit for the bytes in memory of all its users together. */
export interface MemoryBudget {
  /** Reserves bytes. `false`: fewer are left, so none were reserved. */
  reserve(bytes: number): boolean
  /** Returns reserved bytes. */
  release(bytes: number): void
}

export function createMemoryBudget(bytes: number): MemoryBudget {
  let left = bytes
  return {
    reserve: (count) => {
      if (count > left) return false
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
