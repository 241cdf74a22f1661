import { createPublicKey, hash, type KeyObject } from 'node:crypto'

import { createLocalJWKSet, type JWK, type LocalJWKSet } from 'jose'

import { isRecord } from './check-verifier-options.ts'

/** Public keys that can verify signatures. */
export interface KeySet {
  readonly size: number
  readonly kids: ReadonlySet<string>
  /** Equal where the keys are the same, whatever their order, names and bytes (RFC 7638). */
  readonly thumbprints: string
  /** Picks the one key for a header's `alg` and `kid`. */
  readonly choose: LocalJWKSet
}

/**
 * Reads a JWK Set (RFC 7517 §5). Keys for another use or of an unknown type are passed over, as §5 asks.
 *
 * @returns the keys, and a line for each one that must not verify: private, symmetric, malformed or weak
 * @throws where the document is no JWK Set
 */
export function readKeySet(document: unknown): { readonly keys: KeySet; readonly unfit: readonly string[] } {
  if (!isRecord(document) || !Array.isArray(document['keys'])) throw new Error('the document is no JWK Set')
  const fit: JWK[] = []
  const unfit: string[] = []
  for (const [index, given] of document['keys'].entries()) {
    const read = readKey(given)
    if (typeof read === 'string') unfit.push(`keys[${index}]: ${read}`)
    else if (read) fit.push(read)
  }
  return { keys: keySetOf(fit), unfit }
}

const keySetOf = (keys: JWK[]): KeySet => ({
  size: keys.length,
  kids: new Set(keys.map(({ kid }) => kid).filter((kid) => kid !== undefined)),
  thumbprints: [...new Set(keys.map(thumbprintOf))].toSorted().join(' '),
  choose: createLocalJWKSet({ keys }),
})

/** A key, `undefined` where it is not meant for us, or in words why it must not verify. */
function readKey(given: unknown): JWK | string | undefined {
  if (!isRecord(given)) return 'not an object'
  if (given['kty'] === 'oct') return 'a symmetric key'
  if (Object.hasOwn(given, 'd')) return 'a private key'
  if (!isForUs(given)) return undefined
  const key = pickMembers(given)
  return findFault(key) ?? key
}

const KINDS: ReadonlySet<string> = new Set(['RSA', 'EC P-256', 'EC P-384', 'EC P-521', 'OKP Ed25519'])

function isForUs({ kty, crv, use, key_ops: operations }: Readonly<Record<string, unknown>>): boolean {
  const known = KINDS.has(kty === 'RSA' ? kty : `${String(kty)} ${String(crv)}`)
  const verifies = operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
  return known && verifies && (use === undefined || use === 'sig')
}

/** What says which key it is, and nothing else: `x5u` and its like must not even travel. */
function pickMembers(given: Readonly<Record<string, unknown>>): JWK {
  const members = ['kty', 'kid', 'alg', 'crv', 'x', 'y', 'n', 'e'].map((name) => [name, given[name]] as const)
  return { kty: '', ...Object.fromEntries(members.filter(([, value]) => typeof value === 'string')) }
}

function findFault(jwk: JWK): string | undefined {
  const key = importKey(jwk)
  if (!key) return 'a malformed key'
  const bits = key.asymmetricKeyDetails?.modulusLength
  return bits !== undefined && bits < 2_048
    ? `an RSA key of ${bits} bits, fewer than 2,048 (RFC 7518 §3.3)`
    : undefined
}

function importKey(jwk: JWK): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** RFC 7638 §3: the required members alone, in the order of their names. */
function thumbprintOf({ kty, crv, x, y, n, e }: JWK): string {
  const required = kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }
  return hash('sha256', JSON.stringify(required), 'base64url')
}
