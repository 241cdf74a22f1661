import { createPublicKey, hash, type KeyObject } from 'node:crypto'

import type { JWK } from 'jose'

import { kindOf } from '../check-options.ts'
import { printableText } from '../http/field-values.ts'
import { isJsonObject } from './fetch-json.ts'

/** Public keys that can verify signatures. */
export interface KeySet {
  readonly keys: readonly VerificationKey[]
  /** Equal for two sets with the same keys, whatever the order, `kid` and JSON of the keys (RFC 7638). */
  readonly thumbprints: string
}

/** A public key, and the algorithms that it may verify. */
export interface VerificationKey {
  readonly kid: string | undefined
  readonly key: KeyObject
  readonly thumbprint: string
  /** Whether it can verify a signature of this JWS algorithm. */
  readonly fits: (algorithm: string) => boolean
  /** Its `exp`, in milliseconds since the epoch. The key is not used from then on. `Infinity` if it has none. */
  readonly until: number
}

/** The usable and the unusable keys of a JWK Set. */
export interface ReadKeySet {
  readonly keys: KeySet
  /** One text for each key that is too weak. */
  readonly weak: readonly string[]
  /** One text for each key that is private, symmetric or malformed. */
  readonly unfit: readonly string[]
}

/**
 * Describes a document that is not a JWK Set by a few of its member names, so that its kind can be recognized, such as the
 * issuer's metadata. The names come from the network, so they are shortened and made printable.
 */
function membersOf(document: unknown): string {
  if (!isJsonObject(document)) return kindOf(document)
  const names = Object.keys(document)
    .slice(0, 3)
    .map((name) => printableText(name).slice(0, 32))
  return names.length === 0 ? 'an empty object' : `an object with ${names.join(', ')}`
}

/** The most keys in one set. There is a limit because importing keys blocks the event loop. */
export const MOST_KEYS = 100

/**
 * Reads a JWK Set (RFC 7517 §5). Keys for another use and keys of an unknown type are ignored, as §5 requires. A key that is
 * listed twice is read once.
 *
 * @throws Error if the document is not a JWK Set, or lists more than 100 keys
 */
export function readKeySet(document: unknown): ReadKeySet {
  if (!isJsonObject(document) || !Array.isArray(document['keys']))
    throw new Error(`the document must be a JWK Set, { keys: [ … ] }; got ${membersOf(document)}`)
  const given: readonly unknown[] = document['keys']
  if (given.length > MOST_KEYS)
    throw new Error(`the JWK Set lists ${given.length} keys, more than ${MOST_KEYS}`)
  const [keys, weak, unfit] = [new Map<string, VerificationKey>(), new Array<string>(), new Array<string>()]
  for (const [index, jwk] of given.entries()) {
    const read = readKey(jwk)
    if (!read) continue
    if ('fault' in read) (read.isWeak ? weak : unfit).push(`keys[${index}]: ${read.fault}`)
    else keys.set(JSON.stringify([read.thumbprint, read.kid, read.alg, read.until]), read)
  }
  return { keys: keySetOf([...keys.values()]), weak, unfit }
}

const keySetOf = (keys: readonly VerificationKey[]): KeySet => ({
  keys,
  thumbprints: [...new Set(keys.map(({ thumbprint }) => thumbprint))].toSorted().join(' '),
})

/** Why a key is not used. */
interface KeyFault {
  readonly fault: string
  readonly isWeak: boolean
}
type ReadKey = VerificationKey & { readonly alg: string | undefined }

const misfit = (fault: string): KeyFault => ({ fault, isWeak: false })

/** Reads one key. Returns a fault if the key must not be used, and `undefined` if it is for another use. */
function readKey(given: unknown): ReadKey | KeyFault | undefined {
  if (!isJsonObject(given)) return misfit('not an object')
  if (given['kty'] === 'oct') return misfit('a symmetric key')
  if (Object.hasOwn(given, 'd')) return misfit('a private key')
  const algorithms = algorithmsFor(given)
  if (!algorithms) return undefined
  const [jwk, until] = [pickMembers(given), endOf(given)]
  const key = jwk && importKey(jwk)
  if (!jwk || !key || until === undefined) return misfit('a malformed key')
  const weakness = findWeakness(key)
  if (weakness !== undefined) return { fault: weakness, isWeak: true }
  const { alg, kid } = jwk
  const fits = (algorithm: string): boolean =>
    algorithms.includes(algorithm) && (alg === undefined || alg === algorithm)
  return { kid, alg, key, until, fits, thumbprint: thumbprintOf(jwk) }
}

/** The signature algorithms for each `kty` and `crv` (RFC 7518 §3.1, RFC 8037 §3.1). */
const ALGORITHMS: ReadonlyMap<string, readonly string[]> = new Map([
  ['RSA', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
  ['EC P-256', ['ES256']],
  ['EC P-384', ['ES384']],
  ['EC P-521', ['ES512']],
  ['OKP Ed25519', ['EdDSA', 'Ed25519']],
])

/** The algorithms that a key can verify. `undefined` if there are none, or if the key is for another use. */
function algorithmsFor({
  kty,
  crv,
  use,
  key_ops: operations,
}: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  const verifies = operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
  if (!verifies || isForOtherUse(use)) return undefined
  return ALGORITHMS.get(kty === 'RSA' ? kty : `${String(kty)} ${String(crv)}`)
}

/**
 * RFC 7517 §4.2 allows values of `use` other than `sig` and `enc`. SPIFFE has two: keys with `jwt-svid` sign tokens, keys
 * with `x509-svid` sign certificates.
 */
const isForOtherUse = (use: unknown): boolean =>
  use !== undefined && (typeof use !== 'string' || use === 'enc' || use === 'x509-svid')

/**
 * Copies the members that identify a key. A member that is `null` counts as absent. Returns `undefined` if a member is not a
 * string: if a malformed `alg` were ignored, the key would be used with every algorithm of its type.
 */
function pickMembers(given: Readonly<Record<string, unknown>>): JWK | undefined {
  const members = ['kty', 'kid', 'alg', 'crv', 'x', 'y', 'n', 'e']
    .map((name) => [name, given[name]] as const)
    .filter(([, value]) => value !== undefined && value !== null)
  if (members.some(([, value]) => typeof value !== 'string')) return undefined
  return { kty: '', ...Object.fromEntries(members) }
}

/**
 * The `exp` of a key (OpenID Federation 1.0 §8.7.2), in milliseconds since the epoch. `Infinity` if it has none,
 * `undefined` if it is not a number.
 */
function endOf({ exp }: Readonly<Record<string, unknown>>): number | undefined {
  if (exp === undefined || exp === null) return Number.POSITIVE_INFINITY
  return typeof exp === 'number' ? exp * 1_000 : undefined
}

const LEAST_MODULUS = 2_048
const LEAST_EXPONENT = 65_537n

/** Finds RSA keys for which signatures can be forged (RFC 7518 §3.3, NIST SP 800-131A, FIPS 186-5 §5.4). */
function findWeakness({ asymmetricKeyDetails: details }: KeyObject): string | undefined {
  const { modulusLength, publicExponent } = details ?? {}
  if (modulusLength !== undefined && modulusLength < LEAST_MODULUS)
    return `an RSA key of ${modulusLength} bits, fewer than 2,048 (RFC 7518 §3.3)`
  if (publicExponent !== undefined && (publicExponent < LEAST_EXPONENT || publicExponent % 2n === 0n))
    return 'an RSA key whose exponent is even or below 65,537 (NIST SP 800-131A)'
  return undefined
}

function importKey(jwk: JWK): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** The thumbprint of a key: a hash of its required members only, sorted by name (RFC 7638 §3). */
function thumbprintOf({ kty, crv, x, y, n, e }: JWK): string {
  const required = kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }
  return hash('sha256', JSON.stringify(required), 'base64url')
}
