import type { Claims, Principal, ReadClaims } from '../ports.ts'
import { refuse } from '../refusals.ts'
import { tokenFault } from './token-fault.ts'

/** Creates the principal from verified claims. It is deeply frozen, because the cache gives one object to many requests. */
export function createPrincipal(
  issuer: string,
  subject: string,
  claims: Claims,
  readClaims: ReadClaims,
): Principal {
  const { organizations, capabilities } = readClaims(deepFreeze(claims))
  return Object.freeze({
    issuer,
    subject,
    organizations: frozenTexts('organizations', organizations),
    capabilities: frozenTexts('capabilities', capabilities),
    claims,
  })
}

/**
 * The default `readClaims`. `org` is a name or a list of names. `scope` is a string of words separated by spaces (RFC 6749
 * §3.3) or a list. Without `scope`, `scp` is read in the same way.
 *
 * An `org` that is present but is not a name becomes an empty string, which matches no organization. If it were left out,
 * the token would look like one without an organization, and single tenancy accepts those.
 */
export const readOrgAndScope: ReadClaims = ({ org, scope, scp }) => ({
  organizations: org === undefined ? [] : namesOf(org),
  capabilities: wordsOf(scope === undefined ? scp : scope),
})

/** Splits a string at its spaces, or reads a list. Members that are not strings, and empty ones, are left out. */
export const wordsOf = (scope: unknown): readonly string[] => {
  const words: readonly unknown[] = Array.isArray(scope)
    ? scope
    : typeof scope === 'string'
      ? scope.split(' ')
      : []
  return words.filter(isText)
}

/** Reads a name or a list of names. A value that is not a name becomes an empty string. */
export const namesOf = (org: unknown): readonly string[] =>
  (Array.isArray(org) ? org : [org]).map((name: unknown) => (isText(name) ? name : ''))

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function frozenTexts(name: string, given: unknown): readonly string[] {
  if (Array.isArray(given) && given.every((member) => typeof member === 'string'))
    return Object.freeze([...given])
  throw new TypeError(`readClaims gave ${name} that are no array of strings`)
}

/**
 * Freezes claims and all objects in them. It does not recurse, because parsed JSON may be nested deeper than the call
 * stack.
 */
export function deepFreeze(claims: Claims): Claims {
  const left: unknown[] = [claims]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value !== 'object' || value === null || Object.isFrozen(value)) continue
    for (const member of Object.values(Object.freeze(value))) left.push(member)
  }
  return claims
}

/**
 * Reads the organizations in a claim. If the claim is absent, the list is empty. A value that is not a name becomes an empty
 * string, which matches no organization.
 */
export const organizationsIn = (claim: unknown): readonly string[] =>
  claim === undefined ? [] : namesOf(claim)

/** Refuses the token with `fault` as the cause unless `isRight`. For `readClaims` of a preset. */
export function refuseUnless(isRight: boolean, fault: string): void {
  if (!isRight) refuse('token_invalid', { cause: tokenFault(fault) })
}
