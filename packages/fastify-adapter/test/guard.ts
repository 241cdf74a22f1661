import { createExportHandler } from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'

export const id = '01900000-0000-7000-8000-000000000001'
const reader = { issuer: 'https://issuer.test', subject: 'reader', organizations: [], claims: {} }

/** A handler with one small export, for every token. */
export const guard: ReturnType<typeof createExportHandler> = createExportHandler({
  verifier: { verify: async () => ({ ...reader, capabilities: ['read'] }) },
  tenancy: { mode: 'single', tenant: { id: 'tenant', name: 'acme' } },
  capability: 'read',
  findExport: async ({ exportId }) =>
    exportId === id ? { id, tenantId: 'tenant', key: 'object', format: 'csv', state: 'ready' } : undefined,
  store: createMemoryStore({ object: 'a,b\n' }),
})
export const headers = { authorization: 'Bearer reader' }
