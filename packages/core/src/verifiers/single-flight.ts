/** One errand that several callers wait for. */
export interface SingleFlight<T> {
  /**
   * Waits for the result. A caller whose signal fires stops waiting with the signal's reason; when the last one leaves,
   * the errand is cancelled. Without a signal the caller never leaves, and the errand runs to its end.
   */
  join(signal?: AbortSignal): Promise<T>
}

/**
 * Starts an errand on a deadline and a signal of its own, so that no caller's end is another caller's failure.
 *
 * @param errand - must settle soon after its signal fires. The signal's reason tells why: {@link nobodyWaits}, or an
 *   error for the deadline
 * @param deadlineMs - milliseconds the errand may take
 * @param ended - called once, when the errand settles or is cancelled: from then on nobody may join
 */
export function startSingleFlight<T>(
  errand: (signal: AbortSignal) => Promise<T>,
  deadlineMs: number,
  ended: () => void,
): SingleFlight<T> {
  const controller = new AbortController()
  let waiting = 0
  let over = false
  const end = (): void => {
    if (over) return
    over = true
    clearTimeout(timer)
    ended()
  }
  const late = (): void => controller.abort(new Error(`no answer within ${deadlineMs} ms`))
  const timer = setTimeout(late, deadlineMs)
  const result = errand(controller.signal).finally(end)
  result.catch(() => undefined) // the last caller may have left before it fails

  const leave = (): void => {
    waiting -= 1
    if (waiting > 0 || over) return
    end()
    controller.abort(nobodyWaits)
  }
  return {
    join(signal) {
      waiting += 1
      return signal ? waitWith(signal, result, leave) : result
    },
  }
}

/** Why an errand was cancelled: no fault of whom it was sent to. */
export const nobodyWaits: Error = new Error('nobody waits for the answer any more')

function waitWith<T>(signal: AbortSignal, result: Promise<T>, leave: () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const gone = (): void => {
      leave()
      reject(reasonOf(signal))
    }
    if (signal.aborted) return gone()
    signal.addEventListener('abort', gone, { once: true })
    const stop = (): void => signal.removeEventListener('abort', gone)
    result.then(resolve, reject).finally(stop)
  })
}

/** A signal may be fired with any value; what is thrown is always an Error. */
export const reasonOf = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason })
