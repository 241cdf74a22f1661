import { setTimeout as sleep } from 'node:timers/promises'

import { abortable, DeadlineError, withDeadline } from '@sallyport/core'

import { createBreaker, type OpenOutcome } from './breaker.ts'
import { ErrorBodyCut } from './error-body.ts'
import { refuseFault, type Fault } from './fault.ts'
import { createRetryBudget } from './retry-budget.ts'
import { createSemaphore } from './semaphore.ts'

/** One request to a store. */
export interface Question<A> {
  /** Sends it once. The signal is this attempt's own. */
  readonly send: (signal: AbortSignal) => Promise<A>
  readonly judge: (error: unknown) => Fault
  /** Whether one more attempt is worth it, the budget allowing. */
  readonly again: (fault: Fault) => boolean
  /** Lets go of an answer that came after everybody had left. */
  readonly discard: (answer: A) => void
}

/** An answer, and the place it holds until `release`; twice is once. */
export interface Held<A> {
  readonly answer: A
  readonly release: () => void
}

/** The way to a store: everything that is asked of one client goes through one of these. */
export interface Upstream {
  /** How many requests and open bodies there may be at a time. */
  readonly pool: { readonly size: () => number }
  /**
   * Asks, within one deadline for waiting, sending and trying again.
   *
   * @returns `undefined`: the store says that there is no such object
   * @throws a refusal, or the signal's reason
   */
  ask<A>(question: Question<A>, signal: AbortSignal): Promise<Held<A> | undefined>
}

/** How an {@link Upstream} waits. */
export interface Patience {
  /** How many requests and open bodies at a time. */
  readonly places: () => number
  /** Milliseconds until the head of an answer must be here. */
  readonly headersMs: number
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
  /** As `Math.random`. */
  readonly random: () => number
}

/** Ten seconds, the process's own clock and dice. */
export const PATIENCE: Omit<Patience, 'places'> = {
  headersMs: 10_000,
  now: () => performance.now(),
  random: () => Math.random(),
}

/** Makes the way to one store: one waiting line, one retry budget and one breaker for all who share it. */
export function createUpstream({ places, headersMs, now, random }: Patience): Upstream {
  const permits = createSemaphore(places)
  const budget = createRetryBudget(now)
  const breaker = createBreaker({ now, random })

  async function ask<A>(question: Question<A>, signal: AbortSignal): Promise<Held<A> | undefined> {
    signal.throwIfAborted()
    const report = breaker.enter() ?? refuseFault('unavailable', { word: 'store_down' })
    let outcome: OpenOutcome = 'neither'
    const send = async (stop: AbortSignal): Promise<Held<A>> => {
      const release = await permits.acquire(stop)
      try {
        outcome = 'failed' // until there is an answer
        const answer = await attempts(question, stop)
        outcome = 'answered'
        return { answer, release }
      } catch (error) {
        release()
        throw error
      }
    }
    const late = ({ answer, release }: Held<A>): void => {
      question.discard(answer)
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
        return refuseFault('unavailable', { word: outcome === 'neither' ? 'no_place' : 'no_answer_in_time' })
      if (!(error instanceof FaultError)) throw error
      const { fault } = error
      if (fault.kind !== 'unavailable') outcome = 'answered'
      return fault.kind === 'missing' ? undefined : refuseFault(fault.kind, fault)
    } finally {
      report(outcome)
    }
  }

  async function attempts<A>(question: Question<A>, stop: AbortSignal): Promise<A> {
    budget.opened()
    try {
      return await attempt(question, stop)
    } catch (error) {
      if (!(error instanceof FaultError) || !question.again(error.fault) || !budget.spend()) throw error
    }
    await abortable(sleep(SOONEST_MS + random() * SOONEST_MS, undefined, { signal: stop }), stop)
    return attempt(question, stop)
  }

  return { ask, pool: { size: places } }
}

const SOONEST_MS = 50

/** Carries what one attempt met to where it is judged. */
class FaultError extends Error {
  readonly fault: Fault

  constructor(fault: Fault) {
    super(fault.word)
    this.fault = fault
  }
}

/** Sends once, and settles as soon as `stop` fires, whatever the client does. */
async function attempt<A>({ send, judge, discard }: Question<A>, stop: AbortSignal): Promise<A> {
  stop.throwIfAborted()
  const own = new AbortController()
  const sending = async (): Promise<A> => send(own.signal) // a client may throw before it promises
  try {
    return await abortable(sending(), stop, discard)
  } catch (error) {
    own.abort() // a client may fail with its body still open
    if (stop.aborted) throw stop.reason
    throw new FaultError(error instanceof ErrorBodyCut ? faultOfCut(error) : judge(error))
  }
}

/** An answer whose explanation was cut says nothing but its status: also a 404 may then mean that the bucket is missing. */
const faultOfCut = ({ status }: ErrorBodyCut): Fault => ({
  kind: status >= 500 || status === 429 ? 'unavailable' : 'upstream_error',
  status,
  word: 'error_body_too_long',
})
