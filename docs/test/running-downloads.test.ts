import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { until } from '../../scripts/servers/daemon.ts'
import { blocks } from './blocks.ts'
import { type Running, runModule } from './run.ts'

// The admin port of operations.md lists running downloads and cuts some of them, before a service whose clients do not read.

const [admin = '', revocations = ''] = blocks
  .filter(({ document, language }) => document === 'docs/operations.md' && language === 'ts')
  .map(({ code }) => code)

const ids = ['1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82', '2f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'] as const

/** A service in which each principal has one slot. Its token is its name, and its tenant is in the header. */
const service = `
import { createExportHandler } from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'
import { exportDownload } from '@sallyport/express-adapter'
import { EventEmitter, once } from 'node:events'
import express from 'express'

const tenants = [{ id: '17', name: 'acme' }, { id: '18', name: 'globex' }]
const handler = createExportHandler({
  verifier: { verify: async (token) => ({ issuer: 'https://issuer.test', subject: token, organizations: ['acme', 'globex'], capabilities: ['c'], claims: {} }) },
  tenancy: { mode: 'multi', findTenant: async (name) => tenants.find((tenant) => tenant.name === name) },
  capability: 'c',
  findExport: async ({ exportId, tenant }) => {
    const row = ${JSON.stringify(ids)}.find((id) => id === exportId)
    return { id: row, tenantId: tenant.id, key: 'k', format: 'csv', state: 'ready' }
  },
  store: createMemoryStore({ k: Buffer.alloc(64_000_000, 'x') }),
  limits: { concurrent: { perPrincipal: 1 } },
  onEvent: (event) => console.log(JSON.stringify(event)),
})
const emitter = new EventEmitter()
const revocations = { onEvent: (listener) => emitter.on('revoked', listener) }
${admin.replace('9_000', '0')}
${revocations}
const server = express().all('/:exportId', exportDownload(handler))
  .post('/revoked/:subject', (request, response) => {
    emitter.emit('revoked', { issuer: 'https://issuer.test', subject: request.params.subject })
    response.end()
  })
  .listen(0, '127.0.0.1')
await Promise.all([once(server, 'listening'), once(admin, 'listening')])
console.log(server.address().port + ' ' + admin.address().port)
`

let running: Running
let url = ''
let downloads = ''
/** Lines of earlier tests. */
let earlier = 0
beforeAll(async () => {
  running = await runModule(service)
  const [port = '', adminPort = ''] = running.line.split(' ')
  url = `http://127.0.0.1:${port}`
  downloads = `http://127.0.0.1:${adminPort}/downloads`
})
afterEach(async () => {
  await cut('?issuer=https://issuer.test')
  await until('none runs', async () => (await listed()).length === 0)
  earlier = running.lines.length
})
afterAll(async () => void (await running.end()))

/** Starts a download that nobody reads. */
async function download(subject: string, organization: string, id: string): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${subject}`, 'x-org-name': organization }
  const request = get(`${url}/${id}`, { headers, agent: false }).on('error', () => undefined)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response.pause()
}
const statusOf = async (...args: Parameters<typeof download>): Promise<number | undefined> =>
  (await download(...args)).statusCode

/** Reads a download to its end. Resolves with the code of its failure. */
const failureOf = async (response: IncomingMessage): Promise<unknown> => {
  const failed = once(response, 'error')
  response.resume()
  const [error] = (await failed) as [NodeJS.ErrnoException]
  return error.code
}
const listed = async (filter = ''): Promise<readonly Record<string, unknown>[]> =>
  (await (await fetch(downloads + filter)).json()) as Record<string, unknown>[]
const cut = async (filter: string): Promise<unknown> =>
  (await fetch(downloads + filter, { method: 'DELETE' })).json()
const ends = (): readonly Record<string, unknown>[] =>
  running.lines
    .slice(earlier)
    .filter((line) => line.includes('"download_ended"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** Ann and Bob download in two organizations. */
const three = async () => ({
  ann: await download('ann', 'acme', ids[0]),
  bob: await download('bob', 'acme', ids[1]),
  eve: await download('eve', 'globex', ids[0]),
})

test('running downloads are listed, with filters', async () => {
  await three()
  const all = await listed()
  expect(all).toHaveLength(3)
  expect(all[0]).toMatchObject({
    principal: { issuer: 'https://issuer.test', subject: 'ann' },
    tenantId: '17',
    exportId: ids[0],
    bytesPromised: 64_000_000,
  })
  expect(await listed('?tenant=18')).toMatchObject([{ principal: { subject: 'eve' } }])
  expect(await listed(`?tenant=17&export=${ids[1]}`)).toMatchObject([{ principal: { subject: 'bob' } }])
})

describe.each<[string, string, readonly string[]]>([
  ['one principal', '?principal=ann', ['ann']],
  ['one organization', '?tenant=17', ['ann', 'bob']],
  ['one export', `?export=${ids[0]}`, ['ann', 'eve']],
])('%s', (_what, filter, names) => {
  test('is cut: the client sees a failure, the slot is free, the event says so, and others go on', async () => {
    const clients = await three()
    expect(await statusOf('ann', 'acme', ids[0])).toBe(429)
    expect(await cut(filter)).toEqual({ cut: names.length })
    const cutOnes = Object.entries(clients).filter(([name]) => names.includes(name))
    for (const [, response] of cutOnes) expect(await failureOf(response)).toBe('ECONNRESET')
    await expect.poll(() => ends().length).toBe(names.length)
    expect(ends().map(({ outcome }) => outcome)).toEqual(names.map(() => 'cut'))
    expect(await statusOf('ann', 'acme', ids[0])).toBe(200)
    expect(await listed()).toHaveLength(3 - names.length + 1)
  })
})

test('another system ends the downloads of a principal whose permission it revoked', async () => {
  const { ann } = await three()
  await fetch(`${url}/revoked/ann`, { method: 'POST' })
  expect(await failureOf(ann)).toBe('ECONNRESET')
  await expect.poll(ends).toMatchObject([{ outcome: 'cut', principal: { subject: 'ann' } }])
  expect(await listed()).toHaveLength(2)
})

test('nothing is cut without a filter, or by a misspelt one', async () => {
  await three()
  for (const filter of ['', '?tenat=17', '?tenant=17&subject=ann'])
    expect((await fetch(downloads + filter, { method: 'DELETE' })).status).toBe(400)
  expect(await cut('?tenant=17&principal=eve')).toEqual({ cut: 0 })
  expect(await listed()).toHaveLength(3)
})

test('a request target that is no URL gets 404, and the service goes on', async () => {
  const [response] = (await once(get(downloads, { path: '//', agent: false }), 'response')) as [
    IncomingMessage,
  ]
  expect(response.resume().statusCode).toBe(404)
  expect(await listed()).toEqual([])
})
