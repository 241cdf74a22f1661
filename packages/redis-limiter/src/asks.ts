import type { AdmissionAsk, Quota } from '@sallyport/core'

/** The part of an ask that Redis decides: everything but the slots of the process. */
export const fleetAsk = (ask: AdmissionAsk): AdmissionAsk => ({
  ...ask,
  slots: ask.slots.filter(({ scope }) => scope === 'fleet'),
})

/**
 * Slots counted in this process: its own, with their limits; those of the fleet without a limit, so that the counts are right
 * when Redis fails.
 */
export const processAsk = ({ partition, slots }: AdmissionAsk): AdmissionAsk => ({
  partition,
  quotas: [],
  slots: slots.map((slot) => (slot.scope === 'process' ? slot : { ...slot, limit: Number.MAX_SAFE_INTEGER })),
  cost: 0,
})

/**
 * What each of `processes` processes may admit while Redis does not count for them. Capacities and slot limits are divided
 * by `processes`, but are at least 1. The refill keeps its size and comes less often, so it stays whole. A cost above the divided
 * capacity is lowered to it.
 */
export function shareOf({ partition, quotas, slots, cost }: AdmissionAsk, processes: number): AdmissionAsk {
  const part = (whole: number): number => Math.min(whole, Math.max(1, Math.floor(whole / processes)))
  const shareOfQuota = ({ capacity, refill, perMs }: Quota): Quota => ({
    capacity: part(capacity),
    refill,
    perMs: Math.min(perMs * processes, Math.floor(Number.MAX_SAFE_INTEGER / part(capacity))),
  })
  return {
    partition,
    quotas: quotas.map((asked) => ({ ...asked, quota: shareOfQuota(asked.quota) })),
    slots: slots.map((slot) => (slot.scope === 'process' ? slot : { ...slot, limit: part(slot.limit) })),
    cost: Math.min(cost, ...quotas.map(({ quota }) => part(quota.capacity))),
  }
}

/**
 * Checks that the script can compute the ask exactly.
 *
 * @throws RangeError that names what is wrong
 */
export function checkAsk({ quotas, slots, cost }: AdmissionAsk): void {
  if (!isWhole(cost)) throw new RangeError('the cost must be a whole number from 0')
  for (const { name, quota } of quotas) {
    const { capacity, refill, perMs } = quota
    if (
      !isWhole(capacity * perMs) ||
      ![capacity, refill, perMs].every((member) => isWhole(member) && member > 0)
    )
      throw new RangeError(`quota "${name}": whole numbers from 1, and capacity times perMs below 2^53`)
    if (cost > capacity) throw new RangeError(`quota "${name}": the cost is above the capacity`)
  }
  for (const { name, limit } of slots)
    if (!isWhole(limit)) throw new RangeError(`slot "${name}": the limit must be a whole number from 0`)
}

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
