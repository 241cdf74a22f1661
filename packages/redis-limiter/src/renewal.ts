import type { Run } from './script.ts'

/** The places that one running download holds, all under one hash tag. */
export interface Lease {
  readonly id: string
  readonly tag: string
  readonly keys: readonly string[]
}

/** The work of one script: leases of one hash tag. */
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

/** What the renewing script is given: each place once, with the leases to renew in it and those to drop. */
export function renewal(leaseMs: number, renewed: readonly Lease[], dropped: readonly Lease[]): Run {
  const places = new Map<string, { readonly renewed: string[]; readonly dropped: string[] }>()
  const note = (leases: readonly Lease[], list: 'renewed' | 'dropped'): void => {
    for (const { id, keys } of leases) {
      for (const key of keys) {
        const place = places.get(key) ?? { renewed: [], dropped: [] }
        place[list].push(id)
        places.set(key, place)
      }
    }
  }
  note(renewed, 'renewed')
  note(dropped, 'dropped')
  const args = [String(leaseMs)]
  for (const place of places.values()) {
    args.push(String(place.renewed.length), String(place.dropped.length))
    args.push(...place.renewed, ...place.dropped)
  }
  return { keys: [...places.keys()], args }
}
