import type { Run } from './script.ts'

/** The slots that one running download holds, all under one hash tag. */
export interface Lease {
  readonly id: string
  readonly tag: string
  readonly keys: readonly string[]
}

/** Groups leases by hash tag, at most `most` in a group. One script call renews one group. */
export function inBatches(leases: Iterable<Lease>, most: number): Lease[][] {
  const open = new Map<string, Lease[]>()
  const batches: Lease[][] = []
  for (const lease of leases) {
    const known = open.get(lease.tag)
    const batch = known && known.length < most ? known : []
    if (batch.length === 0) batches.push(batch)
    batch.push(lease)
    open.set(lease.tag, batch)
  }
  return batches
}

/** Builds the keys and arguments of the renewal script: each slot once, with the leases to renew in it and the leases to drop. */
export function renewal(leaseMs: number, renewed: readonly Lease[], dropped: readonly Lease[]): Run {
  const slots = new Map<string, { readonly renewed: string[]; readonly dropped: string[] }>()
  const note = (leases: readonly Lease[], list: 'renewed' | 'dropped'): void => {
    for (const { id, keys } of leases) {
      for (const key of keys) {
        const slot = slots.get(key) ?? { renewed: [], dropped: [] }
        slot[list].push(id)
        slots.set(key, slot)
      }
    }
  }
  note(renewed, 'renewed')
  note(dropped, 'dropped')
  const args = [String(leaseMs)]
  for (const slot of slots.values()) {
    args.push(String(slot.renewed.length), String(slot.dropped.length))
    args.push(...slot.renewed, ...slot.dropped)
  }
  return { keys: [...slots.keys()], args }
}
