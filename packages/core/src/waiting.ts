/** Milliseconds of the longest timer of Node, about 24.8 days. A longer one would fire at once. */
export const longestTimerMs = 2_147_483_647

/**
 * Starts a timer; every timer of this package is started here. A delay above 24.8 days becomes 24.8 days: whoever must wait
 * longer looks at the clock when it fires, and starts another. A delay that has passed already becomes 1 ms, as in Node, but
 * without the warning that Node prints for a negative one.
 *
 * @param ms - milliseconds; `Infinity` and negative numbers are allowed
 */
export const startTimer = (fire: () => void, ms: number): NodeJS.Timeout =>
  setTimeout(fire, Math.max(1, Math.min(ms, longestTimerMs)))

/** No answer came before the deadline of {@link withDeadline}. */
export class DeadlineError extends Error {
  /** @param ms - the time that was given, in milliseconds */
  constructor(ms: number) {
    super(`no answer within ${ms} ms`)
    this.name = 'DeadlineError'
  }
}

/** How long {@link withDeadline} waits. */
export interface Deadline<V> {
  /** Milliseconds; more than 24.8 days counts as 24.8 days. */
  readonly ms: number
  /** When it fires, the wait rejects with its reason. Absent: only the time ends the wait. */
  readonly signal?: AbortSignal | undefined
  /** Receives a value that comes after the wait has ended, to release it. A late rejection is dropped. */
  readonly late?: (value: V) => void
}

/**
 * Waits for a promise until the signal fires. Then it rejects with the signal's reason, whether or not the promise settles.
 *
 * @param late - receives a value that comes after the signal, to release it; what it throws is dropped. A late rejection is
 *   dropped, too
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
 * Makes a call and waits for it, at most for `ms` milliseconds. What the call throws at once is a rejection. A signal that
 * has fired already prevents the call.
 *
 * @param call - receives a signal of its own, which fires when nobody waits any more: at the deadline or with `signal`
 * @throws {@link DeadlineError} at the deadline; the reason of `signal` when that fires; what the call throws
 */
export async function withDeadline<V>(
  call: (signal: AbortSignal) => Promise<V>,
  { ms, signal, late }: Deadline<V>,
): Promise<V> {
  signal?.throwIfAborted()
  const own = new AbortController()
  const leave = (): void => own.abort(signal?.reason)
  // Reads the sockets once more before it gives up: a process that was busy itself must not blame the server.
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

/** Async, so that a call that throws is one that rejects. */
const begin = async <V>(call: (signal: AbortSignal) => Promise<V>, signal: AbortSignal): Promise<V> =>
  call(signal)

const ignore = (): void => undefined
