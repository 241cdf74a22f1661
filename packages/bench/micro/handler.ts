import { createExportHandler, createJwtVerifier, type ExportHandler } from '@sallyport/core'

import { capability } from '../src/settings.ts'
import type { Subject } from './measure.ts'
import { audience, type MicroScene, quota, requestOf } from './scene.ts'

/** The handler without a server: a complete download, and a refusal. */
export function handlerSubjects(scene: MicroScene): readonly Subject[] {
  const handler = createHandler(scene)
  const { request, headers } = scene
  const { authorization: _, ...anonymous } = headers
  const noToken = requestOf(anonymous)
  const foreign = requestOf({ ...headers, 'x-org-name': 'globex' })
  const ranged = requestOf({ ...headers, range: 'bytes=1024-2047' })
  const unchanged = requestOf({ ...headers, 'if-none-match': '*' })
  return [
    { title: 'handler: a 4 KiB download, known token', call: () => answered(handler, request) },
    { title: 'handler: a range of it', call: () => answered(handler, ranged) },
    { title: 'handler: 304', call: () => answered(handler, unchanged) },
    { title: 'handler: refused, no token (401)', call: () => answered(handler, noToken) },
    { title: 'handler: refused, another organization (403)', call: () => answered(handler, foreign) },
  ]
}

function createHandler({ issuer, tenant, record, store }: MicroScene): ExportHandler {
  const { issuer: name, jwks } = issuer
  const events = new Map<string, number>()
  return createExportHandler({
    verifier: createJwtVerifier({ issuer: name, audience, jwks, type: 'at+jwt' }),
    tenancy: { mode: 'multi', findTenant: () => Promise.resolve(tenant) },
    capability,
    findExport: () => Promise.resolve(record),
    store,
    limits: { perPrincipal: quota },
    onEvent: ({ type }) => void events.set(type, (events.get(type) ?? 0) + 1),
  })
}

async function answered(handler: ExportHandler, request: MicroScene['request']): Promise<number> {
  const { body, status } = await handler.handle(request)
  if (body) for await (const chunk of body) void chunk
  return status
}
