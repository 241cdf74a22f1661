import { startTimer, withDeadline } from '@sallyport/core'

import { inBatches, renewal } from './renewal.ts'
import type { Lease } from './renewal.ts'
import type { Send } from './script.ts'
import { renewScript } from './scripts.ts'
import { wholeNumber } from './verdict.ts'

/** The leases of this process. A lease that is not renewed expires, so the slots of a process that died become free. */
export interface Leases {
  /** Renews a lease until it is dropped. Redis need not have it yet. */
  hold(lease: Lease): void
  isHeld(lease: Lease): boolean
  /** Releases the slots: at once, or with a later renewal if Redis cannot be reached. Never throws. */
  drop(lease: Lease): void
  /** Renews all leases now, because Redis is back and may have lost them. */
  renew(): void
}

export interface LeaseOptions {
  readonly send: Send
  readonly leaseMs: number
  /** Milliseconds to wait for one script. */
  readonly waitMs: number
  /** Whether Redis has answered lately. */
  readonly isReachable: () => boolean
  /** Called for the first renewal that fails after one that succeeded. */
  readonly onFailure: (cause: unknown) => void
}

/** How many leases one script renews, and how many scripts run at the same time. */
const PER_SCRIPT = 250
const AT_ONCE = 32

/** Renews all leases by one timer, three times per lease, so two renewals may fail. The timer does not keep the process alive. */
export function createLeases({ send, leaseMs, waitMs, isReachable, onFailure }: LeaseOptions): Leases {
  const held = new Map<string, Lease>()
  const dropped = new Map<string, { readonly lease: Lease; readonly at: number }>()
  let timer: NodeJS.Timeout | undefined
  let isRenewing = false
  let isFailing = false

  const renewBatch = async (batch: readonly Lease[]): Promise<void> => {
    // Decide what is still held just before sending. Use EVAL, not EVALSHA: a retry after NOSCRIPT would send an outdated list.
    const gone = batch.filter(({ id }) => !held.has(id))
    const { keys, args } = renewal(
      leaseMs,
      batch.filter(({ id }) => held.has(id)),
      gone,
    )
    const call = async (): Promise<unknown> =>
      send(['EVAL', renewScript, String(keys.length), ...keys, ...args], keys[0] ?? '')
    const reply = await withDeadline(call, { ms: waitMs })
    if (reply !== 1 && reply !== '1') throw new Error('unexpected answer of the script')
    for (const { id } of gone) dropped.delete(id)
  }

  const renewAll = async (): Promise<void> => {
    const batches = inBatches(
      [...held.values(), ...Array.from(dropped.values(), ({ lease }) => lease)],
      PER_SCRIPT,
    )
    const causes: unknown[] = []
    let renewed = 0
    const work = async (): Promise<void> => {
      for (let batch = batches.pop(); batch; batch = batches.pop()) {
        // Stop after a failure if nothing succeeded yet: the server is down. In a cluster another node may still answer.
        if (renewed === 0 && causes.length > 0) return
        await renewBatch(batch).then(
          () => {
            renewed += 1
          },
          (cause: unknown) => causes.push(cause),
        )
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    if (causes.length > 0 && !isFailing) onFailure(causes[0])
    isFailing = causes.length > 0
  }

  const renew = (): void => {
    if (isRenewing) return
    isRenewing = true
    forgetExpired()
    void renewAll().finally(() => {
      isRenewing = false
      schedule()
    })
  }

  const forgetExpired = (): void => {
    const before = performance.now() - leaseMs
    for (const [id, { at }] of dropped) {
      if (at > before) return
      dropped.delete(id)
    }
  }

  const schedule = (): void => {
    if (timer || held.size + dropped.size === 0) return
    const fire = (): void => {
      timer = undefined
      renew()
    }
    timer = startTimer(fire, leaseMs / 3).unref()
  }

  const sendDrop = async ({ id, keys }: Lease): Promise<void> => {
    const replies = await Promise.all(keys.map(async (key) => send(['ZREM', key, id], key)))
    if (replies.every((reply) => wholeNumber(reply) !== undefined)) dropped.delete(id)
  }

  return {
    hold: (lease) => {
      if (lease.keys.length === 0) return
      held.set(lease.id, lease)
      schedule()
    },
    isHeld: ({ id }) => held.has(id),
    drop: (lease) => {
      if (lease.keys.length === 0) return
      held.delete(lease.id)
      dropped.set(lease.id, { lease, at: performance.now() })
      schedule()
      if (isReachable()) sendDrop(lease).catch(() => undefined)
    },
    renew,
  }
}
