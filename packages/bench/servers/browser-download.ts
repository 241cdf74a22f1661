// The service of `bench:browser`, as docs/browsers.md writes it: an export of the folder in `argv`, and a page with a button.
import { createExportHandler, createJwtVerifier, createTickets } from '@sallyport/core'
import { createTestIssuer } from '@sallyport/core/testing'
import { exportDownload, exportTicket } from '@sallyport/express-adapter'
import { createFilesystemStore } from '@sallyport/storage/filesystem'
import express from 'express'

import { listen } from './listen.ts'

const root = process.argv[2] ?? '.'
const id = '0f0e0d0c-0b0a-4908-8706-050403020100'
const signer = await createTestIssuer()
const { issuer, jwks } = signer
const secret = crypto.getRandomValues(new Uint8Array(32))
const handler = createExportHandler({
  verifier: createJwtVerifier({ issuer, audience: 'exports', jwks, type: 'at+jwt' }),
  tenancy: { mode: 'multi', findTenant: async (name) => (name === 'acme' ? { id: '17', name } : undefined) },
  capability: 'exports:download',
  findExport: async ({ exportId, tenant }) =>
    exportId === id && tenant.id === '17'
      ? { id, tenantId: '17', key: 'export.jsonl', format: 'jsonl', state: 'ready', filename: 'export.jsonl' }
      : undefined,
  store: createFilesystemStore({ root }),
  tickets: createTickets({ keys: [{ id: '2026-11', secret }] }),
})
const app = express()
app.all('/exports/:exportId/download', exportDownload(handler))
app.all('/exports/:exportId/ticket', exportTicket(handler))
const page = `<!doctype html><title>Exports</title><button>Download</button><script>
const accessToken = ${JSON.stringify(await signer.token())}
async function download(exportId) {
  const headers = { Authorization: 'Bearer ' + accessToken, 'X-Org-Name': 'acme' }
  const response = await fetch('/exports/' + exportId + '/ticket', { method: 'POST', headers })
  if (!response.ok) throw new Error('status ' + response.status)
  const { url } = await response.json()
  location.assign(url)
}
document.querySelector('button').addEventListener('click', () => download('${id}'))
</script>`
app.get('/', (_, response) => void response.type('html').send(page))
listen(app)
