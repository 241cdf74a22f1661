import { hash } from 'node:crypto'

import type { AdmissionAsk } from '@sallyport/core'

/** What the buckets and places of one ask are called in Redis. */
export interface Names {
  readonly tag: string
  readonly quotas: readonly string[]
  readonly slots: readonly string[]
}

/**
 * Names them so that nothing of a key shows but its SHA-256: no brace, line break or length moves a bucket, shares it
 * or gives it away. All names carry one hash tag, of the first part of the keys, so a cluster keeps them on one node.
 *
 * @throws RangeError for keys that differ in their first part, or name a bucket or place twice
 */
export function nameKeys(prefix: string, { quotas, slots }: AdmissionAsk): Names {
  const scope = (quotas[0] ?? slots[0])?.key[0] ?? ''
  for (const { name, key } of [...quotas, ...slots])
    if ((key[0] ?? '') !== scope)
      throw new RangeError(`"${name}": the keys of one ask must share their first part`)
  const tag = digest([scope]).slice(0, 16)
  const named = {
    tag,
    quotas: quotas.map(({ key, quota }) => {
      const { capacity, refill, perMs } = quota
      return `${prefix}:{${tag}}:q:${digest([capacity, refill, perMs, ...key])}`
    }),
    slots: slots.map(({ key }) => `${prefix}:{${tag}}:s:${digest(key)}`),
  }
  const names = [...named.quotas, ...named.slots]
  if (names.some((name, index) => names.indexOf(name) !== index))
    throw new RangeError('two quotas or slots of one ask share a key')
  return named
}

// JSON tells parts apart, and escapes lone surrogates, which UTF-8 would make all one.
const digest = (parts: readonly (string | number)[]): string =>
  hash('sha256', JSON.stringify(parts), 'base64url')
