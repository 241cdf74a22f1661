/**
 * Calls with a deadline of its own beside the signal: rejects with the signal's reason, or after `ms` milliseconds with
 * a `TimeoutError`. What the call still gives later is handed to `late`.
 */
export async function within<V>(
  ms: number,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<V>,
  late: (value: V) => void = ignore,
): Promise<V> {
  const own = new AbortController()
  const ended = Promise.withResolvers<never>()
  ended.promise.catch(ignore)
  const stop = (reason: unknown): void => {
    own.abort(reason)
    ended.reject(reason)
  }
  const leave = (): void => stop(signal.reason)
  const timer = setTimeout(() => stop(new DOMException('no answer in time', 'TimeoutError')), ms)
  signal.addEventListener('abort', leave)
  const called = begin(call, own.signal)
  try {
    signal.throwIfAborted()
    return await Promise.race([called, ended.promise])
  } catch (error) {
    called.then(late, ignore)
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', leave)
  }
}

/** So that a call that throws at once is one that rejects. */
const begin = async <V>(call: (signal: AbortSignal) => Promise<V>, signal: AbortSignal): Promise<V> =>
  call(signal)

const ignore = (): void => undefined
