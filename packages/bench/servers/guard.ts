// The complete handler that all Sallyport servers share.
import {
  createExportHandler,
  createJwtVerifier,
  type ExportHandler,
  type ExportHandlerOptions,
} from '@sallyport/core'
import { createFilesystemStore } from '@sallyport/storage/filesystem'

import { capability, plenty, readSettings } from '../src/settings.ts'

const { root, organization, issuer, audience, jwksUri } = readSettings()
const tenants = new Map([[organization, { id: organization, name: organization }]])
const events = new Map<string, number>()

export type Guard = ExportHandlerOptions

/** The handler for one organization and its files. `parts` replace its own options. */
export const createGuard = (parts: Partial<Guard> = {}): ExportHandler =>
  createExportHandler({ ...guardOptions(), ...parts })

/** The options of that handler. */
export function guardOptions(): Guard {
  return {
    verifier: createJwtVerifier({ issuer, audience, jwks: new URL(jwksUri), type: 'at+jwt' }),
    tenancy: { mode: 'multi', findTenant: (name) => Promise.resolve(tenants.get(name)) },
    capability,
    findExport: ({ exportId, tenant }) =>
      Promise.resolve({
        id: String(exportId),
        tenantId: String(tenant.id),
        key: `${tenant.id}/${exportId}.csv`,
        format: 'csv',
        state: 'ready',
      }),
    store: createFilesystemStore({ root }),
    limits: {
      perPrincipal: { capacity: plenty, refill: plenty, perMs: 1_000 },
      concurrent: { perPrincipal: plenty, perTenant: plenty },
    },
    onEvent: ({ type }) => void events.set(type, (events.get(type) ?? 0) + 1),
  }
}
