import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import { createExportHandler } from '../../src/export-handler.ts'
import type { Principal } from '../../src/ports.ts'
import { serveHttp } from '../adapters/bare-node.ts'
import { soundOptions } from '../handler/scene.ts'
import { acme, ids, openTicketScene, recordOf } from './ticket-scene.ts'

const principal: Principal = {
  issuer: 'https://sessions.test',
  subject: 'eve',
  organizations: ['acme'],
  capabilities: ['exports:download'],
  claims: {},
}
const { signal } = new AbortController()

describe('a ticket that the host issues', () => {
  test('downloads the export', async () => {
    await using scene = await openTicketScene(serveHttp)
    const issued = await scene.handler.issueTicket(
      { principal, tenantName: 'acme', exportId: ids.acme, version: 'v2' },
      signal,
    )
    expect(issued).toEqual({
      id: expect.any(String) as unknown,
      query: expect.stringMatching(/^sig=eyJ/) as unknown,
      expiresAt: new Date(scene.clock.at + 300_000),
      resumeUntil: new Date(scene.clock.at + 86_400_000),
      filename: 'Übersicht 2026.jsonl',
      size: 200_003,
    })
    const answer = await scene.ask(`/exports/${ids.acme}/download?${issued.query}`)
    expect([answer.status, answer.field('x-api-version')]).toEqual([200, 'v2'])
    expect(scene.events).toMatchObject([
      { type: 'ticket_issued', ticketId: issued.id, principal: { subject: 'eve' } },
      { type: 'request_ended', status: 201 },
      { type: 'download_started', ticketId: issued.id, principal: { subject: 'eve' } },
      { type: 'download_ended', ticketId: issued.id },
    ])
    expect(Object.keys(scene.events[1] ?? {})).not.toContain('via')
  })

  test.each<[string, object, string, number]>([
    ['another organization', { tenantName: 'globex' }, 'tenant_forbidden', 403],
    ['no organization', { tenantName: undefined }, 'invalid_request', 400],
    ["another tenant's export", { exportId: ids.globex }, 'export_not_found', 404],
    ['a malformed id', { exportId: 'nope' }, 'invalid_request', 400],
    ['an unknown version', { version: 'v9' }, 'invalid_request', 400],
    [
      'a principal without the capability',
      { principal: { ...principal, capabilities: [] } },
      'capability_missing',
      403,
    ],
  ])('%s is refused', async (_, changes, message, statusCode) => {
    await using scene = await openTicketScene(serveHttp)
    const issuing = scene.handler.issueTicket(
      { principal, tenantName: 'acme', exportId: ids.acme, ...changes },
      signal,
    )
    await expect(issuing).rejects.toMatchObject({ message, output: { statusCode } })
    expect(scene.events).toMatchObject([{ type: 'request_ended', kind: message }])
  })

  test('a name that is no ASCII finds its organization', async () => {
    const tenant = { id: 't-ü', name: 'Ünïcode' }
    await using scene = await openTicketScene(serveHttp, {
      tenancy: { mode: 'multi', findTenant: async () => tenant, namePattern: /^\p{L}+$/u },
    })
    scene.records.set(ids.acme, recordOf(ids.acme, tenant.id))
    const wanted = { principal: { ...principal, organizations: [tenant.name] }, exportId: ids.acme }
    const { query } = await scene.handler.issueTicket({ ...wanted, tenantName: tenant.name }, signal)
    expect((await scene.ask(`/exports/${ids.acme}/download?${query}`)).status).toBe(200)
  })

  test('asks for no URL', async () => {
    const url = (): never => {
      throw new Error('not asked')
    }
    await using scene = await openTicketScene(serveHttp, { with: { url } })
    const wanted = { principal, tenantName: 'acme', exportId: ids.acme }
    await expect(scene.handler.issueTicket(wanted, signal)).resolves.toHaveProperty('query')
  })

  test('a signal that has fired rejects with its reason', async () => {
    await using scene = await openTicketScene(serveHttp)
    const reason = new Error('gone')
    const issuing = scene.handler.issueTicket(
      { principal, tenantName: 'acme', exportId: ids.acme },
      AbortSignal.abort(reason),
    )
    await expect(issuing).rejects.toBe(reason)
  })

  test('a principal that is none is refused', async () => {
    await using scene = await openTicketScene(serveHttp)
    const issuing = scene.handler.issueTicket(
      { principal: {} as never, tenantName: 'acme', exportId: ids.acme },
      signal,
    )
    await expect(issuing).rejects.toThrow('upstream_error')
  })

  test('without the option there are none', async () => {
    const handler = createExportHandler(soundOptions())
    expect(handler.issuesTickets).toBe(false)
    const wanted = { principal, tenantName: 'acme', exportId: ids.acme }
    await expect(handler.issueTicket(wanted, signal)).rejects.toThrow('issueTicket: needs the option tickets')
    const answer = await handler.handleTicket({ method: 'POST', params: {}, header: () => undefined, signal })
    expect(answer.status).toBe(404)
  })
})

test('an organization that the token does not name is asked about again when the ticket is used', async () => {
  let isMember = true
  await using scene = await openTicketScene(serveHttp, {
    tenancy: { mode: 'multi', findTenant: async () => acme, isMember: async () => isMember },
  })
  const wanted = { principal: { ...principal, organizations: [] }, tenantName: 'acme', exportId: ids.acme }
  const { query } = await scene.handler.issueTicket(wanted, signal)
  const url = `/exports/${ids.acme}/download?${query}`
  expect((await scene.ask(url)).status).toBe(200)
  isMember = false
  expect((await scene.ask(url)).status).toBe(403)
})

test('10,000 tickets that are issued and used leave nothing behind', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  await using scene = await openTicketScene(serveHttp, {
    limits: { perPrincipal: { capacity: 100_000, refill: 1, perMs: 1_000 } },
    onEvent: () => undefined,
  })
  const wanted = { principal, tenantName: 'acme', exportId: ids.acme }
  const heapAfter = async (rounds: number): Promise<number> => {
    for (let nth = 0; nth < rounds; nth += 1) {
      const { query } = await scene.handler.issueTicket(wanted, signal)
      const { status } = await scene.handler.handle({
        method: 'HEAD',
        params: { exportId: ids.acme },
        header: () => undefined,
        url: `/?${query}`,
        signal: new AbortController().signal,
      })
      expect(status).toBe(200)
      scene.calls.length = 0
    }
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = await heapAfter(1_000)
  const after = await heapAfter(10_000)
  // Each ticket has about 600 characters: kept, they would be 6 MB and more.
  expect(after - before).toBeLessThan(3_000_000)
})
