import type { Principal } from '../ports.ts'
import { wantedGot, refusal } from '../refusals.ts'

/** Refuses a malformed principal of a verifier, because limits, tenancy and events depend on its members. */
export function checkPrincipal(principal: Principal | null | undefined): Principal {
  if (principal && isWellFormed(principal)) return principal
  const must =
    'a principal needs issuer and subject, and organizations and capabilities that are lists of strings'
  const got = principal && [
    principal.issuer,
    principal.subject,
    principal.organizations,
    principal.capabilities,
  ]
  const cause = wantedGot(must, got)
  throw refusal({ kind: 'upstream_error', trouble: 'principal_malformed' }, cause)
}

const isWellFormed = ({ issuer, subject, organizations, capabilities }: Principal): boolean =>
  isText(issuer) && isText(subject) && areStrings(organizations) && areStrings(capabilities)

/** Checked for each item, because an organization that is not a string would be passed to `findTenant` as a name. */
const areStrings = (values: unknown): boolean =>
  Array.isArray(values) && values.every((value) => typeof value === 'string')

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
