import { setTimeout as sleep } from 'node:timers/promises'

import type { CallOutcome } from '@sallyport/core'
import { abortable, createBreaker, DeadlineError, withDeadline } from '@sallyport/core'

import { ErrorBodyCut } from './error-body.ts'
import { refuseFault, type Fault } from './fault.ts'
import { createRetryBudget } from './retry-budget.ts'
import { createSemaphore } from './semaphore.ts'

/** One request to a store. `A` is the response type of the store's client. */
export interface StoreRequest<A> {
  /** Sends the request once. The signal belongs to this attempt. */
  readonly send: (signal: AbortSignal) => Promise<A>
  /** Classifies an error of the client. */
  readonly classify: (error: unknown) => Fault
  /** Whether a retry may help. The retry budget must allow it, too. */
  readonly isRetryable: (fault: Fault) => boolean
  /** Closes a response that came after the caller had left. */
  readonly discard: (answer: A) => void
}

/** A response, which keeps its connection until `release` is called. A second call of `release` does nothing. */
export interface Lease<A> {
  readonly answer: A
  readonly release: () => void
}

/** Sends the requests of all stores that share one client. */
export interface Upstream {
  /** `size`: how many requests and open bodies there may be at a time. */
  readonly pool: { readonly size: () => number }
  /**
   * Waits for a connection, sends the request, and retries it once if a retry may help. One deadline covers all of this.
   *
   * @returns `undefined` if the store answers that the object does not exist
   * @throws a refusal with `'unavailable'`, `'upstream_error'` or `'object_changed'`; the signal's reason when that fires
   */
  run<A>(request: StoreRequest<A>, signal: AbortSignal): Promise<Lease<A> | undefined>
}

/** What an {@link Upstream} takes from its process. Hosts get {@link defaultRuntime}; tests pass their own. */
export interface Runtime {
  /** How many requests and open bodies there may be at a time. */
  readonly connections: () => number
  /** Deadline for the head of a response, in milliseconds. */
  readonly headersMs: number
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  /** As `Math.random`. */
  readonly random: () => number
}

export const defaultRuntime: Omit<Runtime, 'connections'> = {
  headersMs: 10_000,
  now: () => performance.now(),
  random: () => Math.random(),
}

/** Creates the semaphore, the retry budget and the circuit breaker that all stores of one client share. */
export function createUpstream({ connections, headersMs, now, random }: Runtime): Upstream {
  const permits = createSemaphore(connections)
  const budget = createRetryBudget(now)
  const breaker = createBreaker({ failures: 20, pause: { leastMs: 1_000, mostMs: 5_000 }, now, random })

  async function run<A>(request: StoreRequest<A>, signal: AbortSignal): Promise<Lease<A> | undefined> {
    signal.throwIfAborted()
    const report = breaker.enter() ?? refuseFault('unavailable', { word: 'store_down' })
    let outcome: CallOutcome = 'neither'
    const send = async (stop: AbortSignal): Promise<Lease<A>> => {
      const release = await permits.acquire(stop)
      try {
        outcome = 'failed' // until there is an answer
        const answer = await attempts(request, stop)
        outcome = 'answered'
        return { answer, release }
      } catch (error) {
        release()
        throw error
      }
    }
    const late = ({ answer, release }: Lease<A>): void => {
      request.discard(answer)
      release()
    }
    try {
      return await withDeadline(send, { ms: headersMs, signal, late })
    } catch (error) {
      if (signal.aborted) {
        outcome = 'neither'
        throw signal.reason
      }
      if (error instanceof DeadlineError)
        return refuseFault('unavailable', {
          word: outcome === 'neither' ? 'no_free_connection' : 'no_answer_in_time',
        })
      if (!(error instanceof FaultError)) throw error
      const { fault } = error
      if (fault.kind !== 'unavailable') outcome = 'answered'
      return fault.kind === 'missing' ? undefined : refuseFault(fault.kind, fault)
    } finally {
      report(outcome)
    }
  }

  async function attempts<A>(request: StoreRequest<A>, stop: AbortSignal): Promise<A> {
    budget.opened()
    try {
      return await attempt(request, stop)
    } catch (error) {
      if (!(error instanceof FaultError) || !request.isRetryable(error.fault) || !budget.spend()) throw error
    }
    await abortable(sleep(RETRY_MS + random() * RETRY_MS, undefined, { signal: stop }), stop)
    return attempt(request, stop)
  }

  return { run, pool: { size: connections } }
}

const RETRY_MS = 50

/** Carries the fault of one attempt to `attempts`, which decides whether to retry. */
class FaultError extends Error {
  readonly fault: Fault

  constructor(fault: Fault) {
    super(fault.word)
    this.fault = fault
  }
}

/** Sends the request once. Rejects as soon as `stop` fires, even if the client ignores its signal. */
async function attempt<A>({ send, classify, discard }: StoreRequest<A>, stop: AbortSignal): Promise<A> {
  stop.throwIfAborted()
  const own = new AbortController()
  const sending = async (): Promise<A> => send(own.signal) // a client may throw synchronously
  try {
    return await abortable(sending(), stop, discard)
  } catch (error) {
    own.abort() // a client may reject and leave a body open
    if (stop.aborted) throw stop.reason
    throw new FaultError(error instanceof ErrorBodyCut ? faultOfCut(error) : classify(error))
  }
}

/** Only the status of a cut error response is known. So a 404 may mean that the bucket is missing, not the object. */
const faultOfCut = ({ status }: ErrorBodyCut): Fault => ({
  kind: status >= 500 || status === 429 ? 'unavailable' : 'upstream_error',
  status,
  word: 'error_body_too_long',
})
