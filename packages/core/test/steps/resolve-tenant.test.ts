import { describe, expect, test } from 'vitest'

import { DeliveryError } from '../../src/delivery/delivery-error.ts'
import type { MultiTenancy, Principal, Tenant } from '../../src/ports.ts'
import { refusal } from '../../src/refusals.ts'
import { resolveTenant } from '../../src/steps/resolve-tenant.ts'
import { acme, ann } from './principals.ts'
import { refusedLater } from './refused.ts'

const globex = { id: 't-globex', name: 'globex' }
const { signal } = new AbortController()
const of = (...organizations: readonly string[]): Principal => ({ ...ann, organizations })

/** A directory, and what it was asked. */
function openDirectory(more: Partial<MultiTenancy<Tenant>> = {}): {
  readonly tenancy: MultiTenancy<Tenant>
  readonly asked: unknown[]
  readonly resolve: (name: string | undefined, principal: Principal) => Promise<Tenant>
} {
  const asked: unknown[] = []
  const findTenant: MultiTenancy<Tenant>['findTenant'] = async (name, principal, signal) => {
    asked.push([name, principal.subject, signal.aborted])
    return [acme, globex].find((tenant) => tenant.name === name)
  }
  const tenancy: MultiTenancy<Tenant> = { mode: 'multi', findTenant, ...more }
  return {
    tenancy,
    asked,
    resolve: (name, principal) => resolveTenant(name, principal, tenancy, (call) => call(signal)),
  }
}

describe('many tenants', () => {
  test.each([
    ['acme', of('acme'), acme],
    ['globex', of('acme', 'globex'), globex],
  ])('%s', async (name, principal, tenant) => {
    const { resolve, asked } = openDirectory()
    expect(await resolve(name, principal)).toEqual(tenant)
    expect(asked).toEqual([[tenant.name, 'ann', false]])
  })

  test.each([
    ['acme', of()],
    ['globex', of('acme')],
    ['nobody', of('acme')],
    ['ACME', of('acme')],
    [undefined, of('acme')],
  ])('%s: refused without a look-up', async (name, principal) => {
    const { resolve, asked } = openDirectory()
    expect(await refusedLater(resolve(name, principal))).toEqual({ kind: 'tenant_forbidden' })
    expect(asked).toEqual([])
  })

  test('one that the token names and nobody knows is refused alike', async () => {
    const { resolve } = openDirectory()
    expect(await refusedLater(resolve('gone', of('gone')))).toEqual({ kind: 'tenant_forbidden' })
  })

  test.each([
    [
      { ...acme, name: 'Acme' },
      { kind: 'tenant_forbidden', trouble: 'tenant_mismatch' },
    ],
    [globex, { kind: 'tenant_forbidden', trouble: 'tenant_mismatch' }],
    [
      { ...acme, id: '' },
      { kind: 'upstream_error', trouble: 'tenant_malformed' },
    ],
    [{ name: 'acme' } as Tenant, { kind: 'upstream_error', trouble: 'tenant_malformed' }],
  ])('an answer of %j is not believed', async (found, detail) => {
    const { resolve } = openDirectory({ findTenant: async () => found })
    expect(await refusedLater(resolve('acme', of('acme')))).toEqual(detail)
  })

  test('who is a member by the host may name what the token does not', async () => {
    const members: unknown[] = []
    const { resolve, asked } = openDirectory({
      isMember: async (principal, tenant) => {
        members.push([principal.subject, tenant.name])
        return true
      },
    })
    expect(await resolve('globex', of())).toEqual(globex)
    expect([asked.length, members]).toEqual([1, [['ann', 'globex']]])
    expect(await resolve('acme', of('acme'))).toEqual(acme)
    expect(members).toHaveLength(1)
  })

  test.each([false, undefined, 1, 'yes', {}])('a membership of %j is none', async (answer) => {
    const { resolve } = openDirectory({ isMember: async () => answer as boolean })
    expect(await refusedLater(resolve('globex', of()))).toEqual({ kind: 'tenant_forbidden' })
  })
})

describe('an organization that the caller may not know of', () => {
  const trouble = 'tenants_failed'

  test.each([
    ['fails', refusal({ kind: 'unavailable', trouble }), { kind: 'tenant_forbidden', trouble }],
    ['refuses in its own way', refusal({ kind: 'scope_missing' }), { kind: 'tenant_forbidden' }],
  ])('is refused like a missing one where isMember %s', async (_, error, detail) => {
    const { resolve } = openDirectory({ isMember: () => Promise.reject(error) })
    expect(await refusedLater(resolve('globex', of()))).toEqual(detail)
    expect(await refusedLater(resolve('nobody', of()))).toEqual({ kind: 'tenant_forbidden' })
  })

  test('is refused like a missing one where its row has no id', async () => {
    const { resolve } = openDirectory({
      findTenant: async () => ({ ...globex, id: '' }),
      isMember: async () => true,
    })
    expect(await refusedLater(resolve('globex', of()))).toEqual({
      kind: 'tenant_forbidden',
      trouble: 'tenant_malformed',
    })
  })

  test('is not refused where the request itself has ended', async () => {
    const gone = new DeliveryError('client_aborted')
    const { resolve } = openDirectory({ isMember: () => Promise.reject(gone) })
    await expect(resolve('globex', of())).rejects.toBe(gone)
  })
})

describe('one tenant', () => {
  const tenancy = { mode: 'single', tenant: acme } as const
  const resolve = (name: string | undefined, principal: Principal): Promise<Tenant> =>
    resolveTenant(name, principal, tenancy, () => {
      throw new Error('somebody was asked')
    })

  test.each([
    [undefined, of()],
    [undefined, of('acme')],
    [undefined, of('globex', 'acme')],
    ['acme', of()],
    ['acme', of('acme')],
  ])('%s, %j', async (name, principal) => {
    expect(await resolve(name, principal)).toBe(acme)
  })

  test.each([
    [undefined, of('globex')],
    ['globex', of()],
    ['globex', of('acme', 'globex')],
    ['acme', of('globex')],
    ['acme', of('')],
    [undefined, of('')],
    ['ACME', of('acme')],
  ])('%s, %j is refused', async (name, principal) => {
    expect(await refusedLater(resolve(name, principal))).toEqual({ kind: 'tenant_forbidden' })
  })
})
