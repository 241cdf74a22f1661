import { describe, expect, test } from 'vitest'

import { createTestIssuer } from '../../src/testing/test-issuer.ts'
import { createJwtVerifier } from '../../src/verifiers/jwt-verifier.ts'
import { verdictOf } from '../verifiers/verdict.ts'

const { signal } = new AbortController()
const testIssuer = await createTestIssuer()
const { issuer, jwks } = testIssuer

const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

describe('createTestIssuer', () => {
  test('signs access tokens that a verifier with its keys accepts', async () => {
    const { verify } = createJwtVerifier({ issuer, audience: 'exports', jwks, type: 'at+jwt' })
    const { subject, organizations, capabilities } = await verify(await testIssuer.token(), signal)
    expect({ subject, organizations, capabilities }).toEqual({
      subject: 'user-1',
      organizations: ['acme'],
      capabilities: ['exports:download'],
    })
  })

  test('gives sensible claims', async () => {
    const { iat, exp, ...rest } = claimsOf(await testIssuer.token())
    expect(rest).toEqual({
      iss: issuer,
      aud: 'exports',
      sub: 'user-1',
      client_id: 'client-1',
      org: 'acme',
      scope: 'exports:download',
    })
    expect(Number(exp) - Number(iat)).toBe(3_600)
    expect(Math.abs(Number(iat) - Date.now() / 1_000)).toBeLessThan(10)
  })

  test('lets claims override everything, and undefined leave a claim out', async () => {
    const claims = claimsOf(
      await testIssuer.token({ iss: 'other', sub: undefined, org: ['a', 'b'], extra: { deep: [1] }, exp: 5 }),
    )
    expect(claims).toMatchObject({ iss: 'other', org: ['a', 'b'], extra: { deep: [1] }, exp: 5 })
    expect(claims).not.toHaveProperty('sub')
  })

  test('publishes its public key alone, frozen', () => {
    expect(Object.isFrozen(jwks) && Object.isFrozen(jwks.keys) && jwks.keys.every(Object.isFrozen)).toBe(true)
    expect(jwks.keys.map((key) => Object.keys(key).toSorted())).toEqual([
      ['alg', 'e', 'kid', 'kty', 'n', 'use'],
    ])
  })

  test('has another key at every start', async () => {
    const other = await createTestIssuer()
    const { verify } = createJwtVerifier({ issuer, audience: 'exports', jwks: other.jwks, type: 'at+jwt' })
    expect(await verdictOf(verify(await testIssuer.token(), signal))).toBe('token_invalid')
  })
})
