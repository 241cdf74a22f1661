/** Shares calls: all who ask for a key while its call runs get the one result. */
export interface SingleFlight<T> {
  /** Whether a call for this key runs. */
  isRunning(key: string): boolean
  /**
   * Joins the running call, or makes one. It runs to its end, also when every caller has left, so nobody can undo what
   * others need by hanging up. The call must have a deadline of its own.
   */
  run(key: string, call: () => Promise<T>): Promise<T>
}

export function createSingleFlight<T>(): SingleFlight<T> {
  const running = new Map<string, Promise<T>>()
  return {
    isRunning: (key) => running.has(key),
    run(key, call) {
      const begun = running.get(key)
      if (begun) return begun
      const result = call().finally(() => running.delete(key))
      result.catch(ignore) // every caller may have left before it fails
      running.set(key, result)
      return result
    },
  }
}

const ignore = (): void => undefined
