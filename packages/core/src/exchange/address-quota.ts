import type { FilledLimits } from '../options/resolve-options.ts'
import type { Admission, Tenant } from '../ports.ts'
import { refusalDetail } from '../refusals.ts'
import { addressAsk, checkAdmission, requireAdmitted } from '../steps/admit.ts'
import type { Exchange } from './exchange.ts'

/**
 * Authenticates under the quota of the client's address. An attempt first takes one token from the quota. The quota token is
 * returned if the attempt proves a principal, and if the verifier fails. It is spent if the credentials are refused, and if the
 * client disconnects before the outcome is known. Refuses `rate_limited` when the quota has no token left.
 */
export type AddressQuota = <V>(
  address: string | undefined,
  exchange: Pick<Exchange, 'callPort' | 'signal'>,
  authenticate: () => Promise<V>,
) => Promise<V>

/** The attempts from one address. While some wait, at least one is active. It wakes others when it ends. */
interface AddressAttempts {
  /** The number of attempts that are at the limiter or at the verifier. */
  active: number
  /** Wakes the attempts that found no token, oldest first. */
  readonly waiting: Set<() => void>
}

/**
 * Creates the address quota of one handler. If an attempt finds no quota token while others from its address are active, it waits
 * for their outcome. So many clients with valid tokens behind one proxy are all admitted. A returned quota token wakes one
 * waiting attempt. A spent one wakes all of them, and each asks the limiter once more.
 */
export function createAddressQuota({
  perAddress,
  limiter,
}: Pick<FilledLimits<Tenant>, 'perAddress' | 'limiter'>): AddressQuota {
  if (!perAddress) return (_, __, authenticate) => authenticate()
  const byAddress = new Map<string, AddressAttempts>()

  return async (address, { callPort, signal }, authenticate) => {
    if (address === undefined) return authenticate()
    const asked = addressAsk(address, perAddress)
    const attempts = byAddress.get(asked.partition) ?? { active: 0, waiting: new Set() }
    byAddress.set(asked.partition, attempts)
    let isActive = false
    let isRefunded = false

    const take = (): Promise<Admission> =>
      callPort('limiter', async (signal) => checkAdmission(await limiter.admit(asked, signal)))
    const takeInTurn = async (): Promise<Admission> => {
      if (attempts.waiting.size === 0) {
        attempts.active += 1
        isActive = true
        const admission = await take()
        if (admission.admitted || attempts.active === 1) return admission
        attempts.active -= 1
        isActive = false
      }
      await turn(attempts, signal)
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
        if (takesNoToken(error)) giveBack()
        throw error
      }
    } finally {
      if (isActive) {
        attempts.active -= 1
        wake(attempts, isRefunded ? 1 : attempts.waiting.size)
      }
      if (attempts.active + attempts.waiting.size === 0) byAddress.delete(asked.partition)
    }
  }
}

/** Waits until an active attempt ends. Rejects with the signal's reason. */
const turn = ({ waiting }: AddressAttempts, signal: AbortSignal): Promise<void> =>
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

function wake(attempts: AddressAttempts, most: number): void {
  for (const go of [...attempts.waiting].slice(0, most)) {
    attempts.waiting.delete(go)
    attempts.active += 1
    go()
  }
}

/** Whether the attempt is free: the verifier failed, which says nothing about the token. A disconnected client pays. */
const takesNoToken = (error: unknown): boolean => {
  const kind = refusalDetail(error)?.kind
  return (
    kind !== undefined && kind !== 'token_missing' && kind !== 'token_invalid' && kind !== 'ticket_invalid'
  )
}
