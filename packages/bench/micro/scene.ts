import { randomBytes } from 'node:crypto'

import {
  createJwtVerifier,
  createTickets,
  type ExportRecord,
  type ExportRequest,
  type ExportStore,
  type Principal,
  type Quota,
  type Tenant,
  type Tickets,
} from '@sallyport/core'
import { createTestIssuer, type TestIssuer } from '@sallyport/core/testing'

import { capability, plenty } from '../src/settings.ts'

/** One user, one tenant and one export, used by all measurements. */
export interface MicroScene {
  readonly issuer: TestIssuer
  readonly token: string
  readonly principal: Principal
  readonly tenant: Tenant
  readonly record: ExportRecord
  readonly headers: Readonly<Record<string, string>>
  readonly request: ExportRequest
  readonly store: ExportStore
}

export const audience = 'exports'
export const quota: Quota = { capacity: plenty, refill: plenty, perMs: 1_000 }

const exportId = '0b0e7b4e-3c1d-4a53-9d0c-5f0a6c1d2e3f'

export async function openMicroScene(): Promise<MicroScene> {
  const issuer = await createTestIssuer()
  const token = await issuer.token({ scope: capability })
  const { verify } = createJwtVerifier({ issuer: issuer.issuer, audience, jwks: issuer.jwks, type: 'at+jwt' })
  const headers = { host: 'localhost', accept: '*/*', authorization: `Bearer ${token}`, 'x-org-name': 'acme' }
  const tenant = { id: 'acme', name: 'acme' }
  return {
    issuer,
    token,
    headers,
    tenant,
    principal: await verify(token, new AbortController().signal),
    record: { id: exportId, tenantId: tenant.id, key: 'acme/1.csv', format: 'csv', state: 'ready' },
    request: requestOf(headers),
    store: createPlainStore(Buffer.alloc(4_096, 'id,name,value\n')),
  }
}

/** Tickets with one random key. They last for the whole measurement. */
export const createMicroTickets = (): Tickets =>
  createTickets({ keys: [{ id: 'bench', secret: randomBytes(32) }], startWithinMs: 86_400_000 })

/** A request like that of an adapter. All share a signal that never fires. */
export const requestOf = (headers: Readonly<Record<string, string>>): ExportRequest => ({
  method: 'GET',
  params: { exportId },
  header: (name) => headers[name],
  signal: never,
  borrow: true,
})

const never = new AbortController().signal

/** A minimal store, so that only the handler is measured. */
export function createPlainStore(bytes: Uint8Array, chunkBytes = bytes.length): ExportStore {
  const info = { size: bytes.length, validator: 'one', lastModified: new Date(0) }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  return {
    head: () => Promise.resolve(info),
    get: () => Promise.resolve({ info, chunks: chunks(), close: () => undefined }),
  }
}
