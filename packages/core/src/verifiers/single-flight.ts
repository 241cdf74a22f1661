/** Shares calls: callers that ask for a key while its call is running get the result of that call. */
export interface SingleFlight<T> {
  /** Whether a call for this key is running. */
  isRunning(key: string): boolean
  /**
   * Joins the running call for this key, or starts one. A caller that stops waiting does not abort the call, because others
   * may need its result. So the call must have a deadline of its own.
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
      result.catch(ignore) // all callers may have stopped waiting before it fails
      running.set(key, result)
      return result
    },
  }
}

const ignore = (): void => undefined
