import type { Principal } from '../ports.ts'
import { gotWanted, refusal } from '../refusals.ts'

/** Refuses what a verifier gives and proves nobody: limits, tenancy and events stand on these members. */
export function checkPrincipal(principal: Principal | null | undefined): Principal {
  if (principal && isWhole(principal)) return principal
  const must =
    'a principal needs issuer and subject, and organizations and capabilities that are lists of strings'
  const got = principal && [
    principal.issuer,
    principal.subject,
    principal.organizations,
    principal.capabilities,
  ]
  const cause = gotWanted(must, got)
  throw refusal({ kind: 'upstream_error', trouble: 'principal_malformed' }, cause)
}

const isWhole = ({ issuer, subject, organizations, capabilities }: Principal): boolean =>
  isText(issuer) && isText(subject) && areStrings(organizations) && areStrings(capabilities)

/** An organization that is no string would reach `findTenant` and pass for a name. */
const areStrings = (values: unknown): boolean =>
  Array.isArray(values) && values.every((value) => typeof value === 'string')

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
