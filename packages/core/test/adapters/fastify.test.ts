import { readFile } from 'node:fs/promises'

import type { ExportHandler } from '@sallyport/core'
import { adapterContract, type Served } from '@sallyport/core/testing'
import Fastify from 'fastify'
import { describe, expect, test } from 'vitest'

import { exportDownload } from './fastify-adapter.ts'

async function serve(handler: ExportHandler): Promise<Served> {
  const download = exportDownload(handler)
  const app = Fastify({
    forceCloseConnections: true,
    frameworkErrors: (_, request, reply) => void download(request, reply),
  })
  app.addHttpMethod('PROPFIND')
  const unreached = (): void => undefined
  app.all('/exports/:exportId/download', { onRequest: download }, unreached)
  const ticket = exportDownload({ handle: handler.handleTicket })
  app.all('/exports/:exportId/ticket', { onRequest: ticket }, unreached)
  app.all('/*', { onRequest: download }, unreached)
  return { url: new URL(await app.listen({ host: '127.0.0.1', port: 0 })), close: () => app.close() }
}

const cannot = {
  'an encoded letter: never the export · 422':
    'Fastify decodes a path before it looks for the route, as RFC 3986 §6.2.2.2 lets it',
}

describe('a Fastify adapter, made with serveNode, keeps the contract', () => {
  const cases = adapterContract(serve, cannot).filter(({ title }) => !title.startsWith('HTTP/2: '))
  test.each(cases)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

test('in under 60 lines', async () => {
  const text = await readFile(new URL('fastify-adapter.ts', import.meta.url), 'utf8')
  expect(text.split('\n').length).toBeLessThan(60)
})
