/** The longest delay of a Node timer in milliseconds, about 24.8 days. A timer with a longer delay fires immediately. */
export const longestTimerMs = 2_147_483_647

/**
 * Starts a timer. Every timer of this package is started here. A delay above 24.8 days becomes 24.8 days: to wait longer, check
 * the clock when the timer fires and start another one. A negative delay becomes 1 ms, as in Node, but without Node's warning.
 *
 * @param fire - called once, when the delay has passed
 * @param ms - the delay in milliseconds; `Infinity` and negative numbers are allowed
 */
export const startTimer = (fire: () => void, ms: number): NodeJS.Timeout =>
  setTimeout(fire, Math.max(1, Math.min(ms, longestTimerMs)))

/** The rejection of {@link withDeadline} at its deadline. */
export class DeadlineError extends Error {
  /** @param ms - the deadline, in milliseconds from the call */
  constructor(ms: number) {
    super(`no answer within ${ms} ms`)
    this.name = 'DeadlineError'
  }
}

/** Options of {@link withDeadline}. */
export interface Deadline<V> {
  /** The deadline in milliseconds from the call. More than 24.8 days counts as 24.8 days. */
  readonly ms: number
  /** When it fires, `withDeadline` rejects with its reason. Absent: only the deadline ends the wait. */
  readonly signal?: AbortSignal | undefined
  /** Called with a value that arrives after the wait has ended, to release it. A late rejection is ignored. Absent: it is dropped. */
  readonly late?: (value: V) => void
}

/**
 * Waits for a promise until the signal fires. Then it rejects with the signal's reason, whether or not the promise settles.
 *
 * @param late - called with a value that arrives after the signal, to release it. Its errors and a late rejection are ignored.
 *   Absent: the value is dropped
 */
export function abortable<V>(
  promise: Promise<V>,
  signal: AbortSignal,
  late: (value: V) => void = ignore,
): Promise<V> {
  return new Promise((resolve, reject) => {
    let hasLeft = false
    const leave = (): void => {
      hasLeft = true
      reject(signal.reason)
    }
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    promise.then(
      (value) => {
        if (hasLeft) return void promise.then(late).catch(ignore)
        signal.removeEventListener('abort', leave)
        resolve(value)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', leave)
        reject(error)
      },
    )
  })
}

/**
 * Calls a function and waits for its promise, at most for `ms` milliseconds. A synchronous error of the function is a rejection.
 * If `signal` has already fired, the function is not called.
 *
 * @param call - receives its own signal, which fires when the wait ends early: at the deadline or with `signal`
 * @throws {@link DeadlineError} at the deadline; the reason of `signal` when that fires; the error of the function
 */
export async function withDeadline<V>(
  call: (signal: AbortSignal) => Promise<V>,
  { ms, signal, late }: Deadline<V>,
): Promise<V> {
  signal?.throwIfAborted()
  const own = new AbortController()
  const leave = (): void => own.abort(signal?.reason)
  // Let Node read the sockets once more before the deadline counts: if this process was busy, the answer may be there already.
  let lastLook: NodeJS.Immediate | undefined
  const timer = startTimer(() => {
    lastLook = setImmediate(() => own.abort(new DeadlineError(ms)))
  }, ms)
  signal?.addEventListener('abort', leave, { once: true })
  try {
    return await abortable(begin(call, own.signal), own.signal, late)
  } finally {
    clearTimeout(timer)
    clearImmediate(lastLook)
    signal?.removeEventListener('abort', leave)
  }
}

/** Async, so that a synchronous error becomes a rejection. */
const begin = async <V>(call: (signal: AbortSignal) => Promise<V>, signal: AbortSignal): Promise<V> =>
  call(signal)

const ignore = (): void => undefined
