/** How long to wait, and for whom. */
export interface Wait<T> {
  readonly ms: number
  /** When it fires, the wait rejects with its reason. */
  readonly signal?: AbortSignal
  /** Is given the answer that comes when nobody waits any more. A late rejection is dropped. */
  readonly late?: (value: T) => void
}

/**
 * Waits for a call by a timer of our own: no client's timeout covers a command that is already written. What lies in
 * the socket when the timer fires is still read, so a process that was busy itself does not blame the server.
 *
 * @param call - is given a function that tells whether somebody still waits
 */
export function within<T>(
  call: (isAwaited: () => boolean) => Promise<T>,
  { ms, signal, late }: Wait<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal?.throwIfAborted()
    let isAwaited = true
    const end = (): boolean => {
      const isFirst = isAwaited
      isAwaited = false
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      return isFirst
    }
    const fail = (reason: unknown): void => {
      if (end()) reject(asError(reason))
    }
    const abort = (): void => fail(signal?.reason)
    const timer = setTimeout(() => setImmediate(() => fail(new Error(`no answer within ${ms} ms`))), ms)
    signal?.addEventListener('abort', abort)
    call(() => isAwaited).then((value) => (end() ? resolve(value) : late?.(value)), fail)
  })
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)))
