import type { FilledLimits } from '../options/resolve-options.ts'
import type { ExportStore, Principal, StoreConnections, Tenant } from '../ports.ts'
import { wantedGot, refusal } from '../refusals.ts'
import type { Exchange } from './exchange.ts'

const PRINCIPAL_OF_FREE = 1 / 4
const TENANT_OF_FREE = 1

/**
 * Takes connections for this exchange from the pool of the store, and returns the store. The connections are returned when the
 * exchange ends. If the host has set `limits.concurrent`, that limit applies instead of the share.
 *
 * @throws a refusal `'too_many_downloads'` if the principal or its tenant has taken its share
 */
export function reserveConnections<T extends Tenant>(
  store: ExportStore,
  { issuer, subject }: Principal,
  tenant: T,
  { poolShares }: FilledLimits<T>,
  exchange: Exchange,
): ExportStore {
  const { connections } = store
  if (!connections) return store
  const holders: PoolHolder[] = []
  if (poolShares.principals)
    holders.push({ name: JSON.stringify([issuer, subject]), ofFree: PRINCIPAL_OF_FREE })
  if (poolShares.tenants) holders.push({ name: JSON.stringify([tenant.id]), ofFree: TENANT_OF_FREE })
  exchange.onEnd(takeFromPool(connections, holders))
  return store
}

/** A principal or tenant whose connections are counted together, and its share of the free connections. */
export interface PoolHolder {
  readonly name: string
  /** The largest number of connections that the holder may have, as a multiple of the connections that are free. */
  readonly ofFree: number
}

/**
 * Takes the connections of one download from a store's pool, and returns the function that gives them back.
 *
 * A share depends on the connections that are free now, not on the size of the pool. Example: `ofFree` is 1/4 and 50 connections
 * are free. The first holder gets 10 (then 40 are free, and a quarter of 40 is 10), the second 8, the third 7. So connections are
 * left for the next holder. A holder without any connection is never refused: it waits until the store has a free one.
 *
 * @throws a refusal `'too_many_downloads'`
 */
export function takeFromPool(
  { pool, perDownload }: StoreConnections,
  holders: readonly PoolHolder[],
): () => void {
  const taken = tables.get(pool) ?? new Map<string, number>()
  tables.set(pool, taken)
  const held = (name: string): number => taken.get(name) ?? 0
  const free = Math.max(0, pool.size() - held(EVERYBODY))
  const full = holders.find(({ name, ofFree }) => held(name) > 0 && held(name) >= free * ofFree)
  if (full) {
    const must = `${full.name} must hold fewer than ${free * full.ofFree} of the store's connections`
    throw refusal({ kind: 'too_many_downloads', retryAfterMs: RETRY_MS }, wantedGot(must, held(full.name)))
  }
  const names = [EVERYBODY, ...holders.map(({ name }) => name)]
  for (const name of names) taken.set(name, held(name) + perDownload)
  return () => {
    for (const name of names) {
      if (held(name) > perDownload) taken.set(name, held(name) - perDownload)
      else taken.delete(name)
    }
  }
}

/** Connections taken from each pool, by holder. Global, so that all handlers of the process that share a pool count together. */
const tables = new WeakMap<StoreConnections['pool'], Map<string, number>>()
const EVERYBODY = ''
const RETRY_MS = 5_000
