import type { Principal } from '../ports.ts'
import { refusal } from '../refusals.ts'

/** Refuses what a verifier gives and proves nobody: limits, tenancy and events stand on these members. */
export function checkPrincipal(principal: Principal | null | undefined): Principal {
  if (principal && isWhole(principal)) return principal
  const cause = new TypeError('a principal needs issuer, subject, organizations and capabilities')
  throw refusal({ kind: 'upstream_error', trouble: 'principal_malformed' }, cause)
}

const isWhole = ({ issuer, subject, organizations, capabilities }: Principal): boolean =>
  isText(issuer) && isText(subject) && Array.isArray(organizations) && Array.isArray(capabilities)

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
