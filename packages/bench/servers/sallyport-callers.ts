// The complete handler for a million tenants. Every tenant of a token exists, and all have the same file.
import { createJwtVerifier, type Principal, refuse, type TokenVerifier } from '@sallyport/core'

import { callerOf, subjectName, tenantName } from '../src/callers.ts'
import { capability, plenty, readCallerSettings, readSettings } from '../src/settings.ts'
import { createGuard } from './guard.ts'
import { listenGuarded } from './listen-guarded.ts'

const { issuer, audience, organization } = readSettings()
const { jwks } = readCallerSettings()

/** Answers without a request, so that only the handler is measured. */
const verify: TokenVerifier['verify'] = (token) => {
  const caller = callerOf(token) ?? refuse('token_invalid')
  const principal: Principal = {
    issuer,
    subject: subjectName(caller),
    organizations: [tenantName(caller)],
    capabilities: [capability],
    claims: {},
  }
  return Promise.resolve(principal)
}

listenGuarded(
  createGuard({
    verifier:
      jwks.keys.length > 0 ? createJwtVerifier({ issuer, audience, jwks, type: 'at+jwt' }) : { verify },
    tenancy: { mode: 'multi', findTenant: (name) => Promise.resolve({ id: name, name }) },
    findExport: ({ exportId, tenant }) =>
      Promise.resolve({
        id: String(exportId),
        tenantId: String(tenant.id),
        key: `${organization}/${exportId}.csv`,
        format: 'csv',
        state: 'ready',
      }),
    limits: {
      perPrincipal: { capacity: plenty, refill: plenty, perMs: 1_000 },
      perTenant: { capacity: plenty, refill: plenty, perMs: 1_000 },
      concurrent: { perPrincipal: plenty, perTenant: plenty },
    },
  }),
)
