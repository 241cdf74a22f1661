import { describe, expect, test } from 'vitest'

import type { ExportRecord } from '../../src/catalogue.ts'
import type { ObjectInfo, Tenant } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { settled, storeWith, watchProcess } from './leaks.ts'
import { acme, content, openScene, principalOf, readyRecord, type SceneOptions } from './scene.ts'

watchProcess()

const giving = (value: unknown) => async (): Promise<never> => value as never
const recordWith = (changes: object): SceneOptions => ({ findExport: giving({ ...readyRecord, ...changes }) })
const memory = createMemoryStore({ 'acme/ready': content })
const describing = (changes: Partial<ObjectInfo>): SceneOptions => ({
  store: storeWith({
    get: async (...asked) => {
      const object = await memory.get(...asked)
      return object && { ...object, info: { ...object.info, ...changes } }
    },
  }),
})
const info = { size: 1, validator: 'v' }
const nothing = (async function* empty() {})()
const multi = (tenant: unknown): SceneOptions => ({ tenancy: { mode: 'multi', findTenant: giving(tenant) } })
const limiting = (admission: unknown): SceneOptions => ({ limits: { limiter: { admit: giving(admission) } } })

describe('a port that answers wrongly is 502, once told, and never believed', () => {
  test.each<[string, SceneOptions, string, string]>([
    [
      'a principal that is none',
      { verifier: { verify: giving(undefined) } },
      'verifier',
      'principal_malformed',
    ],
    [
      'a principal without a subject',
      { verifier: { verify: giving(principalOf('')) } },
      'verifier',
      'principal_malformed',
    ],
    [
      'a principal without an issuer',
      { verifier: { verify: giving(principalOf('ann', { issuer: '' })) } },
      'verifier',
      'principal_malformed',
    ],
    [
      'capabilities in one text',
      { verifier: { verify: giving({ ...principalOf('ann'), capabilities: 'exports:download' }) } },
      'verifier',
      'principal_malformed',
    ],
    [
      'organizations in one text',
      { verifier: { verify: giving({ ...principalOf('ann'), organizations: 'acme' }) } },
      'verifier',
      'principal_malformed',
    ],
    ['a tenant without an id', multi({ name: 'acme' }), 'tenants', 'tenant_malformed'],
    ['a tenant whose id is a number', multi({ id: 5, name: 'acme' }), 'tenants', 'tenant_malformed'],
    ['an admission that is none', limiting(undefined), 'limiter', 'admission_malformed'],
    ['an admission by a text', limiting({ admitted: 'no', left: [] }), 'limiter', 'admission_malformed'],
    ['a record of no known state', recordWith({ state: 'done' }), 'catalogue', 'record_malformed'],
    ['a record without a key', recordWith({ key: '' }), 'catalogue', 'record_malformed'],
    ['a record whose format is a path', recordWith({ format: '../jsonl' }), 'catalogue', 'record_malformed'],
    [
      'a record that expires at a text',
      recordWith({ expiresAt: '2099-01-01' }),
      'catalogue',
      'record_malformed',
    ],
    [
      'a record that expires at no time',
      recordWith({ expiresAt: new Date(Number.NaN) }),
      'catalogue',
      'record_malformed',
    ],
    ['a record whose filename is a number', recordWith({ filename: 5 }), 'catalogue', 'record_malformed'],
    ['a record whose object is a text', recordWith({ object: 'x' }), 'catalogue', 'record_malformed'],
    ['a record of a size below 0', recordWith({ object: { size: -1 } }), 'catalogue', 'record_malformed'],
    [
      'a record whose sha256 is base64',
      recordWith({ object: { sha256: '47DEQpj8HBSa' } }),
      'catalogue',
      'record_malformed',
    ],
    ['a record of another size', recordWith({ object: { size: 1 } }), 'store', 'record_stale'],
    ['a record of another validator', recordWith({ object: { validator: 'x' } }), 'store', 'record_stale'],
    ['an object without a size', describing({ size: Number.NaN }), 'store', 'info_malformed'],
    ['an object of half a byte', describing({ size: 0.5 }), 'store', 'info_malformed'],
    ['an object without a validator', describing({ validator: '' }), 'store', 'info_malformed'],
    [
      'an object in an unknown coding',
      describing({ encoding: 'deflate' as 'gzip' }),
      'store',
      'info_malformed',
    ],
    [
      'an object changed at no time',
      describing({ lastModified: new Date(Number.NaN) }),
      'store',
      'info_malformed',
    ],
    [
      'an object that is not described',
      { store: storeWith({ get: giving({ chunks: nothing, close: () => undefined }) }) },
      'store',
      'info_malformed',
    ],
    [
      'an object that cannot be read',
      { store: storeWith({ get: giving({ info, chunks: [], close: () => undefined }) }) },
      'store',
      'object_malformed',
    ],
    [
      'an object that cannot be closed',
      { store: storeWith({ get: giving({ info, chunks: nothing }) }) },
      'store',
      'object_malformed',
    ],
    [
      'a store that says so',
      { store: storeWith({ get: async () => refuse('upstream_error') }) },
      'store',
      'store_wrong',
    ],
    [
      'a catalogue that says so',
      { findExport: async () => refuse('upstream_error') },
      'catalogue',
      'catalogue_wrong',
    ],
  ])('%s', async (_, changes, port, code) => {
    await using scene = await openScene(changes)
    const answer = await scene.ask()
    await scene.over(1)
    await settled()
    expect(answer.status).toBe(502)
    expect(answer.field('retry-after')).toBeUndefined()
    expect(scene.troubles()).toMatchObject([{ port, code }])
    expect(scene.ended()).toMatchObject([
      { outcome: 'refused', kind: 'upstream_error', status: 502, type: 'request_ended' },
    ])
  })

  test('what a record needs stands in the cause', async () => {
    await using scene = await openScene(recordWith({ expiresAt: '2099-01-01' }))
    await scene.ask()
    expect(scene.troubles()[0]?.cause).toEqual(
      new Error("an export record needs an expiresAt that is a valid Date, or none; got '2099-01-01'"),
    )
  })
})

describe('a port that refuses says it for the caller', () => {
  test.each<[string, SceneOptions, number, string]>([
    ['a verifier', { verifier: { verify: async () => refuse('token_invalid') } }, 401, 'token_invalid'],
    [
      'a directory',
      { tenancy: { mode: 'multi', findTenant: async () => refuse('tenant_forbidden') } },
      403,
      'tenant_forbidden',
    ],
    ['a catalogue', { findExport: async () => refuse('scope_missing') }, 403, 'scope_missing'],
    ['a store', { store: storeWith({ get: async () => refuse('object_missing') }) }, 404, 'object_missing'],
    [
      'a limiter',
      { limits: { limiter: { admit: async () => refuse('rate_limited', { retryAfterMs: 1 }) } } },
      429,
      'rate_limited',
    ],
    ['an audit', { audit: async () => refuse('scope_missing') }, 403, 'scope_missing'],
  ])('%s', async (_, changes, status, kind) => {
    await using scene = await openScene(changes)
    expect((await scene.ask()).status).toBe(status)
    await scene.over(1)
    expect(scene.ended()).toMatchObject([{ outcome: 'refused', kind, status }])
    expect(scene.troubles()).toEqual([])
  })

  test.each(['unavailable', 'internal'] as const)('%s of a catalogue is a trouble too', async (kind) => {
    const findExport = async (): Promise<ExportRecord> => refuse(kind, { retryAfterMs: 61_000, cause: acme })
    await using scene = await openScene({ findExport })
    const answer = await scene.ask()
    await scene.over(1)
    expect([answer.status, answer.field('retry-after')]).toEqual([kind === 'internal' ? 500 : 503, '61'])
    const code = kind === 'internal' ? 'catalogue_failed' : 'catalogue_unavailable'
    expect(scene.troubles()).toMatchObject([{ port: 'catalogue', code }])
    expect(scene.ended()[0]?.cause).toBe(acme satisfies Tenant)
  })
})
