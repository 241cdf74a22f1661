import type { FilledLimits } from '../options/resolve-options.ts'
import type { Admission, Tenant } from '../ports.ts'
import { refusalDetail } from '../refusals.ts'
import { addressAsk, checkAdmission, requireAdmitted } from '../steps/admit.ts'
import type { Exchange } from './exchange.ts'

/**
 * Authenticates under the quota of the client's address. An attempt takes one token first. The token is given back when the
 * attempt proves a principal, and when the verifier is at fault. It is lost when nothing is proven, and when the client leaves
 * before the outcome is known. Refuses `rate_limited` when the address has no token left.
 */
export type AddressQuota = <V>(
  address: string | undefined,
  exchange: Pick<Exchange, 'ask' | 'signal'>,
  authenticate: () => Promise<V>,
) => Promise<V>

/** The attempts from one address. Whenever some wait, at least one is active, and wakes others when it ends. */
interface Crowd {
  /** Attempts that ask the limiter or are being verified. */
  active: number
  /** Attempts that found no token, oldest first. */
  readonly waiting: Set<() => void>
}

/**
 * Makes the address quota of one handler. An attempt that finds no token while others from its address are under way waits for
 * their outcome, so that many valid tokens at once from behind one proxy are all admitted. A token that comes back wakes one
 * attempt. A token that is lost wakes all, and each takes the limiter's next answer.
 */
export function createAddressQuota({
  perAddress,
  limiter,
}: Pick<FilledLimits<Tenant>, 'perAddress' | 'limiter'>): AddressQuota {
  if (!perAddress) return (_, __, authenticate) => authenticate()
  const crowds = new Map<string, Crowd>()

  return async (address, { ask, signal }, authenticate) => {
    if (address === undefined) return authenticate()
    const asked = addressAsk(address, perAddress)
    const crowd = crowds.get(asked.partition) ?? { active: 0, waiting: new Set() }
    crowds.set(asked.partition, crowd)
    let isActive = false
    let isRefunded = false

    const take = (): Promise<Admission> =>
      ask('limiter', async (signal) => checkAdmission(await limiter.admit(asked, signal)))
    const takeInTurn = async (): Promise<Admission> => {
      if (crowd.waiting.size === 0) {
        crowd.active += 1
        isActive = true
        const admission = await take()
        if (admission.admitted || crowd.active === 1) return admission
        crowd.active -= 1
        isActive = false
      }
      await turn(crowd, signal)
      isActive = true
      return take()
    }

    try {
      const admission = await takeInTurn()
      requireAdmitted({ asked, admission })
      const giveBack = (): void => {
        if (admission.admitted) admission.refund(1)
        isRefunded = true
      }
      try {
        const proven = await authenticate()
        giveBack()
        return proven
      } catch (error) {
        if (isNoAttempt(error)) giveBack()
        throw error
      }
    } finally {
      if (isActive) {
        crowd.active -= 1
        wake(crowd, isRefunded ? 1 : crowd.waiting.size)
      }
      if (crowd.active + crowd.waiting.size === 0) crowds.delete(asked.partition)
    }
  }
}

/** Waits until an active attempt ends. Rejects with the signal's reason. */
const turn = ({ waiting }: Crowd, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const go = (): void => {
      signal.removeEventListener('abort', leave)
      resolve()
    }
    const leave = (): void => {
      waiting.delete(go)
      reject(signal.reason)
    }
    signal.throwIfAborted()
    waiting.add(go)
    signal.addEventListener('abort', leave, { once: true })
  })

function wake(crowd: Crowd, most: number): void {
  for (const go of [...crowd.waiting].slice(0, most)) {
    crowd.waiting.delete(go)
    crowd.active += 1
    go()
  }
}

/** A fault of the verifier says nothing about the token. A client that left has no refusal, and pays. */
const isNoAttempt = (error: unknown): boolean => {
  const kind = refusalDetail(error)?.kind
  return (
    kind !== undefined && kind !== 'token_missing' && kind !== 'token_invalid' && kind !== 'ticket_invalid'
  )
}
