import {
  createExportHandler,
  createJwtVerifier,
  type ExportHandler,
  type ExportHandlerOptions,
} from '@sallyport/core'

import { capability } from '../src/settings.ts'
import type { Subject } from './measure.ts'
import { audience, createMicroTickets, createPlainStore, type MicroScene, quota, requestOf } from './scene.ts'

/** The handler without a server: a complete download, and a refusal. */
export async function handlerSubjects(scene: MicroScene): Promise<readonly Subject[]> {
  const handler = createHandler(scene)
  const bytes = { perPrincipal: budget, perTenant: budget }
  const budgeted = createHandler(scene, { limits: { perPrincipal: quota, bytes } })
  const store = createPlainStore(Buffer.alloc(1_048_576, 'id,name,value\n'), 65_536)
  const streaming = createHandler(scene, { store })
  const throttled = createHandler(scene, { store, delivery: { bytesPerSecond: 1e12 } })
  const { request, headers } = scene
  const { authorization: _, ...anonymous } = headers
  const noToken = requestOf(anonymous)
  const foreign = requestOf({ ...headers, 'x-org-name': 'globex' })
  const ranged = requestOf({ ...headers, range: 'bytes=1024-2047' })
  const missing = { ...request, params: { exportId: '0b0e7b4e-3c1d-4a53-9d0c-5f0a6c1d2e40' } }
  const unchanged = requestOf({ ...headers, 'if-none-match': '*' })
  const { principal, tenant, record } = scene
  const { query } = await handler.issueTicket(
    { principal, tenantName: tenant.name, exportId: record.id },
    request.signal,
  )
  const byTicket = { ...requestOf({ host: 'localhost', accept: '*/*' }), url: `/download?${query}` }
  const forTicket = { ...request, method: 'POST', url: '/exports/1/ticket' }
  return [
    { title: 'handler: a 4 KiB download, known token', call: () => answered(handler, request) },
    { title: 'handler: a 4 KiB download, two budgets of bytes', call: () => answered(budgeted, request) },
    { title: 'handler: the same by ticket', call: () => answered(handler, byTicket) },
    { title: 'handler: a ticket is issued, known token', call: () => issued(handler, forTicket) },
    { title: 'handler: the same guard without a ticket (404)', call: () => answered(handler, missing) },
    { title: 'handler: a range of it', call: () => answered(handler, ranged) },
    { title: 'handler: a 1 MiB download in 16 chunks', call: () => answered(streaming, request) },
    {
      title: 'handler: a 1 MiB download, bytesPerSecond never reached',
      call: () => answered(throttled, request),
    },
    { title: 'handler: 304', call: () => answered(handler, unchanged) },
    { title: 'handler: refused, no token (401)', call: () => answered(handler, noToken) },
    { title: 'handler: refused, another organization (403)', call: () => answered(handler, foreign) },
  ]
}

/** So large that it is never used up. */
const budget = { capacity: 1e15, refill: 1e12, perMs: 1_000 }

const createHandler = (
  scene: MicroScene,
  changes: Pick<Partial<ExportHandlerOptions>, 'limits' | 'store' | 'delivery'> = {},
): ExportHandler => createExportHandler({ ...handlerOptions(scene), ...changes })

/** The options of a handler with one export. */
export function handlerOptions({ issuer, tenant, record, store }: MicroScene): ExportHandlerOptions {
  const { issuer: name, jwks } = issuer
  const events = new Map<string, number>()
  return {
    verifier: createJwtVerifier({ issuer: name, audience, jwks, type: 'at+jwt' }),
    tenancy: { mode: 'multi', findTenant: () => Promise.resolve(tenant) },
    capability,
    findExport: ({ exportId }) => Promise.resolve(exportId === record.id ? record : undefined),
    store,
    tickets: createMicroTickets(),
    limits: { perPrincipal: quota },
    onEvent: ({ type }) => void events.set(type, (events.get(type) ?? 0) + 1),
  }
}

async function issued(handler: ExportHandler, request: MicroScene['request']): Promise<number> {
  const { body, status } = await handler.handleTicket(request)
  if (status !== 201) throw new Error(`status ${status}`)
  if (body) for await (const chunk of body) void chunk
  return status
}

/** Downloads and reads everything. */
export async function answered(handler: ExportHandler, request: MicroScene['request']): Promise<number> {
  const { body, status } = await handler.handle(request)
  if (body) for await (const chunk of body) void chunk
  return status
}
