import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Claims } from '../../src/ports.ts'
import { createPrincipal, readOrgAndScope } from '../../src/verifiers/principal.ts'

describe('readOrgAndScope', () => {
  test.each<[Claims, string[], string[]]>([
    [{}, [], []],
    [{ org: 'acme', scope: 'read' }, ['acme'], ['read']],
    [{ org: ['acme', 'globex'], scope: 'read write' }, ['acme', 'globex'], ['read', 'write']],
    [{ org: '', scope: '' }, [''], []],
    [
      { org: ['', 'acme', 5, null, ['x']], scope: ' read   write ' },
      ['', 'acme', '', '', ''],
      ['read', 'write'],
    ],
    [{ org: { name: 'acme' }, scope: ['read', '', 5, 'write'] }, [''], ['read', 'write']],
    [{ org: 5, scope: 5 }, [''], []],
    [{ org: true }, [''], []],
    [{ org: [] }, [], []],
    [{ org: [['acme']] }, [''], []],
    [{ org: null, scope: null }, [''], []],
    [{ org: 'acme globex', scope: 'read\twrite' }, ['acme globex'], ['read\twrite']],
    [{ scp: 'read  write', roles: ['admin'] }, [], ['read', 'write']],
    [{ scp: ['read', 'write'] }, [], ['read', 'write']],
    [{ scp: { read: true } }, [], []],
    [{ scope: 'read', scp: 'write' }, [], ['read']],
    [{ scope: '', scp: 'write' }, [], []],
    [{ scope: null, scp: 'write' }, [], []],
  ])('%j', (claims, organizations, capabilities) => {
    expect(readOrgAndScope(claims)).toEqual({ organizations, capabilities })
  })
})

describe('createPrincipal', () => {
  test('holds what it was given', () => {
    const claims = { sub: 'user-1', org: 'acme', scope: 'read' }
    expect(createPrincipal('issuer', 'user-1', claims, readOrgAndScope)).toEqual({
      issuer: 'issuer',
      subject: 'user-1',
      organizations: ['acme'],
      capabilities: ['read'],
      claims,
    })
  })

  test('is frozen to the last member', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (claims) => {
        const principal = createPrincipal('issuer', 'subject', claims, readOrgAndScope)
        expect(openMembers(principal)).toEqual([])
      }),
    )
  })

  test('freezes what is nested deeper than the call stack reaches', () => {
    const claims = JSON.parse(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`) as Claims
    expect(Object.isFrozen(createPrincipal('issuer', 'subject', claims, readOrgAndScope).claims['a'])).toBe(
      true,
    )
  })

  test('does not keep the lists that readClaims gave', () => {
    const capabilities = ['read']
    const principal = createPrincipal('issuer', 'subject', {}, () => ({ organizations: [], capabilities }))
    capabilities.push('write')
    expect(principal.capabilities).toEqual(['read'])
  })

  test.each([
    ['organizations', { organizations: 'acme', capabilities: [] }],
    ['organizations', { capabilities: [] }],
    ['capabilities', { organizations: [], capabilities: [5] }],
    ['capabilities', { organizations: [], capabilities: new Set(['read']) }],
  ])('tells of a readClaims that gives wrong %s', (name, read) => {
    expect(() => createPrincipal('issuer', 'subject', {}, () => read as never)).toThrow(
      `readClaims gave ${name} that are no array of strings`,
    )
  })
})

const openMembers = (value: unknown): unknown[] =>
  typeof value === 'object' && value !== null
    ? [...(Object.isFrozen(value) ? [] : [value]), ...Object.values(value).flatMap(openMembers)]
    : []
