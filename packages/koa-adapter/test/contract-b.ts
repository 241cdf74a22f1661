import { Router } from '@koa/router'
import {
  codedErrors,
  createExportHandler,
  createJwtVerifier,
  type ExportHandlerOptions,
  type ExportRecord,
  refuse,
} from '@sallyport/core'
import { createTestIssuer } from '@sallyport/core/testing'
import { createS3Store } from '@sallyport/storage/s3'
import Koa from 'koa'
import { onTestFinished } from 'vitest'

import { exportDownload } from '../src/koa-adapter.ts'
import { startS3 } from './fake-s3.ts'
import { listen } from './serve-koa.ts'

const tenantId = 'tenant-acme'
const scope = { target: 'enterprises/5b1d', extent: 'perimeter' }
const idOf = (nth: number): string => `0d9c8b7a-6f5e-4d3c-8b2a-0000000000${String(nth).padStart(2, '0')}`

/** The rows of the catalogue, by their fault. `storage_location` must not reach the client. */
const rows = {
  csv: { key: 'report.csv' },
  json: { key: 'report.json', format: 'json' },
  pending: { key: 'report.csv', state: 'pending' },
  failed: { key: 'report.csv', state: 'failed' },
  expired: { key: 'report.csv', expiresAt: new Date('2026-01-01') },
  gone: { key: 'gone' },
  foreign: { key: 'report.csv', tenantId: 'tenant-globex' },
  beyond: { key: 'report.csv', target: 'enterprises/77aa' },
  larger: { key: 'report.csv', object: { size: 5 } },
  denied: { key: 'denied' },
  'no-bucket': { key: 'no-bucket' },
  elsewhere: { key: 'elsewhere' },
  page: { key: 'page' },
  'slow-down': { key: 'slow-down' },
  broken: { key: 'broken' },
  'cut-off': { key: 'cut-off' },
  missing: undefined,
} as const satisfies Record<string, (Partial<ExportRecord> & { readonly target?: string }) | undefined>

export type Row = keyof typeof rows

const names = Object.keys(rows) as Row[]
export const pathOf = (row: Row | { readonly id: string }): string =>
  `/user-action-audit-exports/${typeof row === 'object' ? row.id : idOf(names.indexOf(row))}/download`

export interface Changes extends Partial<ExportHandlerOptions> {
  readonly revealState?: boolean
  /** Answers 404 for an export outside of the permitted scope. */
  readonly hideBeyondScope?: boolean
  /** Drains the service before the request. */
  readonly drained?: boolean
}

const someIssuer = createTestIssuer()

/** A service for the published contract B with Koa and S3. `token` makes tokens that may, but for the claims given. */
export async function openContractB({
  revealState = false,
  hideBeyondScope = false,
  drained = false,
  ...changes
}: Changes = {}): Promise<{
  readonly url: URL
  readonly token: (claims?: Record<string, unknown>) => Promise<string>
}> {
  const [issuer, client] = [await someIssuer, await startS3()]
  const handler = createExportHandler({
    verifier: createJwtVerifier({
      issuer: issuer.issuer,
      audience: 'exports',
      jwks: issuer.jwks,
      type: 'at+jwt',
      readClaims: ({ org, capabilities }) => ({
        organizations: [String(org)],
        capabilities: Array.isArray(capabilities) ? capabilities.map(String) : [],
      }),
    }),
    tenancy: {
      mode: 'multi',
      findTenant: async (name) => (name === 'acme' ? { id: tenantId, name } : undefined),
    },
    capability: 'audit.read',
    idParameter: 'export_id',
    versions: { v1: { errors: codedErrors({ revealState }) } },
    findExport: async ({ exportId, tenant, principal }) => {
      const row = rows[names.find((name) => idOf(names.indexOf(name)) === exportId) ?? 'missing']
      if (!row) return undefined
      const { target, ...known } = { target: scope.target, ...row }
      const record = { id: String(exportId), tenantId, format: 'csv', state: 'ready', ...known } as const
      if (record.tenantId !== tenant.id) return undefined
      const permitted = JSON.stringify(principal.claims['permitted']).includes(`"${target}"`)
      if (!permitted) return hideBeyondScope ? undefined : refuse('scope_missing')
      return record
    },
    store: createS3Store({ client, bucket: 'secret-bucket' }),
    now: () => Date.UTC(2026, 5, 1),
    ...changes,
  })
  if (drained) await handler.drain({ withinMs: 0 })
  const app = new Koa()
  const router = new Router()
  router.all('/user-action-audit-exports/:export_id/download', exportDownload(handler))
  app.use(router.routes()).use(exportDownload(handler))
  const { url, close } = await listen(app)
  onTestFinished(close)
  return {
    url,
    token: (claims = {}) =>
      issuer.token({ capabilities: ['audit.read'], permitted: [scope], scope: undefined, ...claims }),
  }
}
