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
 * capacity is lowered to it, unless the ask may go into debt.
 */
export function shareOf(
  { partition, quotas, slots, cost, allowDebt = false }: AdmissionAsk,
  processes: number,
): AdmissionAsk {
  const part = (whole: number): number => Math.min(whole, Math.max(1, Math.floor(whole / processes)))
  // The share of a quota must not depend on the cost: another share is another bucket.
  const room = allowDebt ? LARGEST_DEBT : 0
  const shareOfQuota = (quota: Quota): Quota => {
    const capacity = part(quota.capacity)
    const { refill, perMs } = inLowestTerms(quota)
    const longest = Math.max(perMs, Math.floor(Number.MAX_SAFE_INTEGER / (capacity + room)))
    return { capacity, refill, perMs: Math.min(perMs * processes, longest) }
  }
  return {
    partition,
    quotas: quotas.map((asked) => ({ ...asked, quota: shareOfQuota(asked.quota) })),
    slots: slots.map((slot) => (slot.scope === 'process' ? slot : { ...slot, limit: part(slot.limit) })),
    cost: allowDebt ? cost : Math.min(cost, ...quotas.map(({ quota }) => part(quota.capacity))),
    ...(allowDebt && { allowDebt }),
  }
}

/** The debt that a share can always count exactly, as the handler requires of a budget: a download of 1 TiB. */
const LARGEST_DEBT = 2 ** 40

/**
 * Divides `refill` and `perMs` by their greatest common divisor. That changes no result and keeps the numbers below 2^53: 500 GB a
 * day is 156,250 bytes in 27 ms.
 */
export function inLowestTerms({ capacity, refill, perMs }: Quota): Quota {
  const divisor = commonDivisor(refill, perMs)
  return { capacity, refill: refill / divisor, perMs: perMs / divisor }
}

const commonDivisor = (one: number, other: number): number =>
  other === 0 ? one : commonDivisor(other, one % other)

/**
 * Checks that the script can compute the ask exactly.
 *
 * @throws RangeError that names what is wrong
 */
export function checkAsk({ quotas, slots, cost, allowDebt }: AdmissionAsk): void {
  if (!isWhole(cost)) throw new RangeError('the cost must be a whole number from 0')
  for (const { name, quota } of quotas) {
    const { capacity, refill } = quota
    const areCounts = [capacity, refill, quota.perMs].every((member) => isWhole(member) && member > 0)
    const { perMs } = areCounts ? inLowestTerms(quota) : quota
    if (!areCounts || !isWhole(capacity * perMs))
      throw new RangeError(`quota "${name}": whole numbers from 1, and capacity times perMs below 2^53`)
    if (allowDebt !== true && cost > capacity)
      throw new RangeError(`quota "${name}": the cost is above the capacity`)
    if (allowDebt === true && !isWhole((capacity + cost) * perMs))
      throw new RangeError(`quota "${name}": capacity plus cost, times perMs, must be below 2^53`)
  }
  for (const { name, limit } of slots)
    if (!isWhole(limit)) throw new RangeError(`slot "${name}": the limit must be a whole number from 0`)
}

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
