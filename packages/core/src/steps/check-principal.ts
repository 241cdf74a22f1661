import type { Principal } from '../ports.ts'

/** Throws where a verifier gives something that proves nobody: limits, tenancy and events stand on these members. */
export function checkPrincipal(principal: Principal): Principal {
  const { issuer, subject, organizations, capabilities } = principal
  const whole =
    isText(issuer) && isText(subject) && Array.isArray(organizations) && Array.isArray(capabilities)
  if (!whole) throw new TypeError('a principal needs issuer, subject, organizations and capabilities')
  return principal
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
