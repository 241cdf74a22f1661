import { hash } from 'node:crypto'

import type { AdmissionAsk } from '@sallyport/core'

/** The Redis keys of the buckets and slots of one ask. */
export interface Names {
  readonly tag: string
  readonly quotas: readonly string[]
  readonly slots: readonly string[]
}

/**
 * Names the keys by a SHA-256 of their parts, so no brace, line break or length in a part can move a bucket to another node,
 * share it or reset it. All names carry one hash tag, made of the partition, so a cluster keeps them on one node.
 *
 * @throws RangeError for an ask that names one bucket or slot twice
 */
export function nameKeys(prefix: string, { partition, quotas, slots }: AdmissionAsk): Names {
  const tag = digest([partition]).slice(0, 16)
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

// JSON separates the parts. It also escapes lone surrogates, which UTF-8 would make equal.
const digest = (parts: readonly (string | number)[]): string =>
  hash('sha256', JSON.stringify(parts), 'base64url')
