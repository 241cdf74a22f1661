import { describe, expect, test } from 'vitest'

import type { FindExport } from '../../src/catalogue.ts'
import type { MultiTenancy, Tenant } from '../../src/ports.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { type Answer, type Ask, stable } from './ask.ts'
import { acme, content, globex, ids, openScene, pathOf, readyRecord, records, single } from './scene.ts'

const tenants = new Map<string, Tenant>([acme, globex].map((tenant) => [tenant.name, tenant]))
const multi: MultiTenancy<Tenant> = { mode: 'multi', findTenant: async (name) => tenants.get(name) }
const optional = { ...multi, headerOptional: true }
const members = { ...multi, isMember: async () => true }
const strangers = { ...multi, isMember: async () => false }

/** Ann is of acme, bob of globex, two of both, none of neither. */
const by = (token: string, name?: string): Partial<Ask> => ({
  headers: { authorization: `Bearer ${token}`, 'x-org-name': name },
})

describe('who may act for whom', () => {
  test.each([
    ['multi, no header', multi, by('ann'), 400, undefined, 0],
    ['multi, no header, many organizations', multi, by('two'), 400, undefined, 0],
    ['multi, no header, optional: the only one', optional, by('ann'), 200, acme.id, 1],
    ['multi, no header, optional: which of many?', optional, by('two'), 400, undefined, 0],
    ['multi, no header, optional: of none', optional, by('none'), 400, undefined, 0],
    ['multi, the only one', multi, by('ann', 'acme'), 200, acme.id, 1],
    ['multi, one of many', multi, by('two', 'acme'), 200, acme.id, 1],
    ['multi, another of many', multi, by('two', 'globex'), 404, globex.id, 1],
    ['multi, not in the claim', multi, by('ann', 'globex'), 403, undefined, 0],
    ['multi, known to nobody', multi, by('ann', 'nobody'), 403, undefined, 0],
    ['multi, in another spelling', multi, by('ann', 'ACME'), 403, undefined, 0],
    ['multi, the beginning of one', multi, by('ann', 'acm'), 403, undefined, 0],
    ['multi, of no organization', multi, by('none', 'acme'), 403, undefined, 0],
    ['multi, of none, but a member', members, by('none', 'acme'), 200, acme.id, 1],
    ['multi, of none, and no member', strangers, by('none', 'acme'), 403, undefined, 1],
    ['multi, of none, unknown to the members', members, by('none', 'nobody'), 403, undefined, 1],
    ['multi, in the claim, no member asked', strangers, by('ann', 'acme'), 200, acme.id, 1],
    ['single, no header', single, by('ann'), 200, acme.id, 0],
    ['single, no header, no claim', single, by('none'), 200, acme.id, 0],
    ['single, no header, in the claim', single, by('two'), 200, acme.id, 0],
    ['single, no header, not in the claim', single, by('bob'), 403, undefined, 0],
    ['single, its name', single, by('ann', 'acme'), 200, acme.id, 0],
    ['single, another name', single, by('ann', 'globex'), 403, undefined, 0],
    ['single, another name that is in the claim', single, by('two', 'globex'), 403, undefined, 0],
    ['single, another name, no claim', single, by('none', 'globex'), 403, undefined, 0],
  ])('%s', async (_, tenancy, request, status, tenantId, lookups) => {
    await using scene = await openScene({ tenancy })
    const answer = await scene.ask(request)
    await scene.over(1)
    expect({
      status: answer.status,
      tenantId: scene.ended()[0]?.tenantId,
      lookups: scene.calls.filter((call) => call === 'tenants').length,
    }).toEqual({ status, tenantId, lookups })
  })

  test('an unlisted, an unknown and a vanished organization are refused with the same bytes', async () => {
    const findTenant = async (): Promise<undefined> => undefined
    await using scene = await openScene()
    await using vanished = await openScene({ tenancy: { mode: 'multi', findTenant } })
    const answers = [
      await scene.ask(by('ann', 'globex')),
      await scene.ask(by('ann', 'nobody')),
      await vanished.ask(by('ann', 'acme')),
    ]
    expect(answers.map(stable)).toEqual(answers.map(() => stable(answers[0] as Answer)))
    expect(answers[0]?.status).toBe(403)
  })
})

describe('a directory that answers with something else', () => {
  test.each([
    ['another organization', globex, 403, 'tenant_mismatch'],
    ['another spelling', { ...acme, name: 'ACME' }, 403, 'tenant_mismatch'],
    ['one without an id', { id: '', name: 'acme' }, 502, 'tenant_malformed'],
  ])('%s', async (_, tenant, status, code) => {
    await using scene = await openScene({ tenancy: { mode: 'multi', findTenant: async () => tenant } })
    expect((await scene.ask()).status).toBe(status)
    expect(scene.troubles()).toMatchObject([{ port: 'tenants', code }])
    expect(scene.calls).toEqual(['verifier', 'tenants'])
  })
})

describe('two users, two organizations, two exports', () => {
  test.each([
    ['ann', 'acme', ids.ready, 200],
    ['ann', 'acme', ids.foreign, 404],
    ['ann', 'globex', ids.ready, 403],
    ['ann', 'globex', ids.foreign, 403],
    ['bob', 'globex', ids.foreign, 200],
    ['bob', 'globex', ids.ready, 404],
    ['bob', 'acme', ids.foreign, 403],
    ['bob', 'acme', ids.ready, 403],
  ])('%s as %s: %s', async (user, name, id, status) => {
    await using scene = await openScene()
    expect((await scene.ask({ ...by(user, name), path: pathOf(id) })).status).toBe(status)
  })
})

const forgetful: FindExport<Tenant> = async ({ exportId }) => records.get(exportId)

describe("another organization's export reads like a missing one", () => {
  const requests: readonly (readonly [string, Partial<Ask>])[] = [
    ['GET', {}],
    ['HEAD', { method: 'HEAD' }],
    ['a range', { headers: { range: 'bytes=0-1' } }],
    ['a condition', { headers: { 'if-none-match': '*' } }],
  ]

  test.each(requests)('%s', async (_, request) => {
    await using scene = await openScene()
    const missing = await scene.ask({ ...request, path: pathOf(ids.missing) })
    const callsForMissing = scene.calls.splice(0)
    const foreign = await scene.ask({ ...request, path: pathOf(ids.foreign) })
    expect(missing.status).toBe(404)
    expect(stable(foreign)).toEqual(stable(missing))
    expect(scene.calls).toEqual(callsForMissing)
    expect(callsForMissing).toEqual(['verifier', 'tenants', 'limiter', 'catalogue'])
  })

  test.each(requests)('%s, also with a catalogue that forgets the tenant', async (_, request) => {
    await using sound = await openScene()
    await using scene = await openScene({ findExport: forgetful })
    const missing = await sound.ask({ ...request, path: pathOf(ids.missing) })
    const foreign = await scene.ask({ ...request, path: pathOf(ids.foreign) })
    expect(stable(foreign)).toEqual(stable(missing))
    expect(scene.calls).toEqual(sound.calls)
    expect(scene.troubles()).toMatchObject([{ port: 'catalogue', code: 'record_mismatch' }])
    await scene.over(1)
    expect(scene.ended()).toMatchObject([{ outcome: 'refused', kind: 'export_not_found', tenantId: acme.id }])
  })

  test.each<[string, object]>([
    ['another export of the same tenant', { id: ids.empty }],
    ['the id in another spelling', { id: `{${ids.ready}}` }],
    ['no id', { id: undefined }],
    ['no tenant', { tenantId: undefined }],
    ["the tenant's name for its id", { tenantId: acme.name }],
    ['the beginning of its id', { tenantId: acme.id.slice(0, -1) }],
  ])('a record with %s is a missing one, and the host is told', async (_, changes) => {
    await using scene = await openScene({ findExport: async () => ({ ...readyRecord, ...changes }) })
    expect((await scene.ask()).status).toBe(404)
    expect(scene.troubles()).toMatchObject([{ port: 'catalogue', code: 'record_mismatch' }])
    expect(scene.calls).not.toContain('get')
  })
})

test('who lacks the capability learns nothing of any export', async () => {
  await using scene = await openScene()
  const answers: Answer[] = []
  for (const id of [ids.ready, ids.missing, ids.foreign, ids.pending])
    answers.push(await scene.ask({ ...by('idle', 'acme'), path: pathOf(id) }))
  expect(answers.map(stable)).toEqual(answers.map(() => stable(answers[0] as Answer)))
  expect(answers[0]?.status).toBe(403)
  expect(new Set(scene.calls)).toEqual(new Set(['verifier', 'tenants']))
})

test('a store per organization: a key cannot leave its own', async () => {
  const shelves = new Map([
    [acme.id, createMemoryStore({ 'acme/ready': content })],
    [globex.id, createMemoryStore({ 'globex/ready': 'of globex' })],
  ])
  const asked: string[] = []
  const store = (tenant: Tenant) => {
    asked.push(tenant.id)
    return shelves.get(tenant.id) ?? createMemoryStore()
  }
  const findExport: FindExport<Tenant> = async ({ exportId, tenant }) => ({
    ...readyRecord,
    id: String(exportId),
    tenantId: String(tenant.id),
    key: 'globex/ready',
  })
  await using scene = await openScene({ store, findExport })
  expect(await scene.ask(by('two', 'globex'))).toMatchObject({ status: 200, body: 'of globex' })
  expect((await scene.ask(by('two', 'acme'))).status).toBe(404)
  expect(asked).toEqual([globex.id, acme.id])
})
