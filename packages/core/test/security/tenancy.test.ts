import { describe, expect, test } from 'vitest'

import type { MultiTenancy, Tenant } from '../../src/ports.ts'
import { createJwtVerifier } from '../../src/verifiers/jwt-verifier.ts'
import { type Answer, stable } from '../handler/ask.ts'
import { globex, openScene, principalOf, type SceneOptions, single } from '../handler/scene.ts'
import { createForge } from '../verifiers/forge.ts'

const forge = createForge()
const { issuer, audience, jwks } = forge
const verifier = createJwtVerifier({ issuer, audience, jwks, type: 'at+jwt' })
const bearing = (org: unknown): Record<string, string | undefined> => ({
  authorization: `Bearer ${forge.token({ org, scope: 'exports:download' })}`,
  'x-org-name': undefined,
})

describe('an org claim, with a single tenant', () => {
  test.each([
    [undefined, 200],
    ['acme', 200],
    [['acme'], 200],
    [['globex', 'acme'], 200],
    [[], 200],
    ['globex', 403],
    ['', 403],
    [5, 403],
    [true, 403],
    [null, 403],
    [{ name: 'acme' }, 403],
    [[['acme']], 403],
    [[5], 403],
    [[''], 403],
  ])('%j: %i', async (org, status) => {
    await using scene = await openScene({ verifier, tenancy: single })
    expect((await scene.ask({ headers: bearing(org) })).status).toBe(status)
    expect((await scene.ask({ headers: { ...bearing(org), 'x-org-name': 'acme' } })).status).toBe(status)
  })
})

describe('an org claim instead of the header', () => {
  test.each(['../acme', 'acme,globex', 'acme\n', '', 'a'.repeat(65), 5, { name: 'acme' }])(
    'that is malformed is refused without a look-up: %j',
    async (org) => {
      const asked: string[] = []
      const findTenant = async (name: string): Promise<Tenant> => {
        asked.push(name)
        return { id: 't-1', name }
      }
      await using scene = await openScene({
        verifier,
        tenancy: { mode: 'multi', headerOptional: true, findTenant },
      })
      expect((await scene.ask({ headers: bearing(org) })).status).toBe(403)
      expect(asked).toEqual([])
    },
  )
})

describe('an organization that the caller may not know of', () => {
  const findTenant: MultiTenancy<Tenant>['findTenant'] = async (name) =>
    name === globex.name ? globex : undefined
  const ask = async (
    isMember: NonNullable<MultiTenancy<Tenant>['isMember']>,
    more: SceneOptions = {},
  ): Promise<{ readonly existing: Answer; readonly madeUp: Answer; readonly codes: readonly string[] }> => {
    await using scene = await openScene({
      verifier: { verify: async () => principalOf('none', { organizations: [] }) },
      tenancy: { mode: 'multi', findTenant, isMember },
      ...more,
    })
    const existing = await scene.ask({ headers: { 'x-org-name': 'globex' } })
    const madeUp = await scene.ask({ headers: { 'x-org-name': 'nobody' } })
    return { existing, madeUp, codes: scene.troubles().map(({ code }) => code) }
  }

  test.each<[string, NonNullable<MultiTenancy<Tenant>['isMember']>, readonly string[]]>([
    ['says no', async () => false, []],
    ['rejects', () => Promise.reject(new Error('the directory is away')), ['tenants_failed']],
    [
      'throws',
      () => {
        throw new Error('a bug')
      },
      ['tenants_failed'],
    ],
    ['never answers', () => new Promise(() => undefined), ['tenants_silent']],
  ])('gives the same response as a missing one if isMember %s', async (_, isMember, codes) => {
    const answers = await ask(isMember, { delivery: { firstByteMs: 100 } })
    expect(answers.existing.status).toBe(403)
    expect(stable(answers.existing)).toEqual(stable(answers.madeUp))
    expect(answers.codes).toEqual(codes)
  })
})

test('a name beyond ASCII is read as UTF-8 on the wire', async () => {
  const name = 'Größe 東京'
  await using scene = await openScene({
    verifier,
    tenancy: {
      mode: 'multi',
      namePattern: /^[\p{L}\p{M}\p{N} ._-]+$/u,
      findTenant: async (asked) => ({ id: 't-acme', name: asked }),
    },
  })
  const headers = { ...bearing(name), 'x-org-name': Buffer.from(name).toString('latin1') }
  expect((await scene.ask({ headers })).status).toBe(200)
})
