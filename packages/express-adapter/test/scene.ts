import type { DownloadEnded, ExportHandler, RequestEnded } from '@sallyport/core'
import { createExportHandler, createJwtVerifier, validationErrors } from '@sallyport/core'
import { createMemoryStore, createTestIssuer, positionCoded } from '@sallyport/core/testing'

/** A handler with one export of many chunks, for tests of a host.s middleware. */
export interface Scene {
  readonly handler: ExportHandler
  readonly path: string
  readonly bytes: Uint8Array
  /** The request fields of a caller: a valid token, and the organization. */
  readonly headers: Readonly<Record<string, string>>
  /** The requests that have ended. */
  readonly ended: readonly (DownloadEnded | RequestEnded)[]
}

export const exportId = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'

export async function openScene(): Promise<Scene> {
  const signer = await createTestIssuer()
  const bytes = positionCoded(1_000_003)
  const ended: (DownloadEnded | RequestEnded)[] = []
  const handler = createExportHandler({
    verifier: createJwtVerifier({
      issuer: signer.issuer,
      audience: 'exports',
      jwks: signer.jwks,
      type: 'at+jwt',
    }),
    tenancy: { mode: 'multi', findTenant: async (name) => ({ id: name, name }) },
    capability: 'exports:download',
    versions: { v1: { errors: validationErrors() } },
    findExport: async ({ exportId, tenant }) => ({
      id: String(exportId),
      tenantId: String(tenant.id),
      key: exportId,
      format: 'jsonl',
      state: 'ready',
    }),
    store: createMemoryStore({ [exportId]: bytes }),
    onEvent: (event) => {
      if (event.type === 'download_ended' || event.type === 'request_ended') ended.push(event)
    },
  })
  return {
    handler,
    path: `/exports/${exportId}/download`,
    bytes,
    headers: { authorization: `Bearer ${await signer.token()}`, 'x-org-name': 'acme' },
    ended,
  }
}
