import type { AdmissionAsk, Quota } from '@sallyport/core'

/**
 * What Redis is asked. Places of the whole process, key `['total']`, are not among it: they stand for this process's
 * sockets and memory, and one key for a whole fleet would be no neighbour of anything else in a cluster.
 */
export const fleetAsk = (ask: AdmissionAsk): AdmissionAsk => ({
  ...ask,
  slots: ask.slots.filter((slot) => !isTotal(slot)),
})

/** What this process counts itself: its total, and for an outage what else it has open, at no limit. */
export const processAsk = ({ slots }: AdmissionAsk): AdmissionAsk => ({
  quotas: [],
  slots: slots.map((slot) => (isTotal(slot) ? slot : { ...slot, limit: Number.MAX_SAFE_INTEGER })),
  cost: 0,
})

/**
 * What one of so many processes may admit while nobody counts them together: its part of each capacity and place, at
 * least one, and its part of the refill, which is made rarer so that it stays whole. A cost above a part pays that.
 */
export function shareOf({ quotas, slots, cost }: AdmissionAsk, processes: number): AdmissionAsk {
  const part = (whole: number): number => Math.min(whole, Math.max(1, Math.floor(whole / processes)))
  const shareOfQuota = ({ capacity, refill, perMs }: Quota): Quota => ({
    capacity: part(capacity),
    refill,
    perMs: Math.min(perMs * processes, Math.floor(Number.MAX_SAFE_INTEGER / part(capacity))),
  })
  return {
    quotas: quotas.map((asked) => ({ ...asked, quota: shareOfQuota(asked.quota) })),
    slots: slots.map((slot) => (isTotal(slot) ? slot : { ...slot, limit: part(slot.limit) })),
    cost: Math.min(cost, ...quotas.map(({ quota }) => part(quota.capacity))),
  }
}

/**
 * Checks that the script can answer exactly.
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

const isTotal = ({ key }: AdmissionAsk['slots'][number]): boolean => key.length === 1 && key[0] === 'total'
const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
