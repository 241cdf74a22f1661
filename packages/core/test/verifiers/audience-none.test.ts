import { describe, expect, test } from 'vitest'

import type { Claims, TokenVerifier } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import { createIntrospectionVerifierIn } from '../../src/verifiers/introspection-verifier.ts'
import { createJwtVerifierIn } from '../../src/verifiers/jwt-verifier.ts'
import { createForge } from './forge.ts'
import { createTestWorld } from './runtime.ts'
import { causeOf, verdictOf } from './verdict.ts'

const startMs = 1_800_000_000_000
const forge = createForge(() => startMs, { aud: undefined, client_id: 'client-1' })
const { issuer, jwks } = forge
const { signal } = new AbortController()

type Accept = (claims: Claims) => boolean
interface Given {
  readonly verifier: TokenVerifier
  readonly token: string
}

const byJwt = (claims: Claims, accept: Accept): Given => ({
  verifier: createJwtVerifierIn(createTestWorld(startMs), {
    issuer,
    jwks,
    audience: 'none',
    accept,
    type: 'at+jwt',
  }),
  token: forge.token(claims),
})
const byIntrospection = (claims: Claims, accept: Accept): Given => ({
  verifier: createIntrospectionVerifierIn(createTestWorld(startMs), {
    issuer,
    endpoint: new URL('https://issuer.example/introspect'),
    clientId: 'exports',
    clientSecret: 'secret',
    audience: 'none',
    accept,
    fetch: async () => Response.json({ active: true, ...forge.claims(claims) }),
  }),
  token: 'an-opaque-token-of-some-length',
})

describe.each([
  ['a JWT', byJwt],
  ['an introspection answer', byIntrospection],
])("audience: 'none', for %s", (_, give) => {
  const verdict = (claims: Claims, accept: Accept): Promise<string> => {
    const { verifier, token } = give(claims, accept)
    return verdictOf(verifier.verify(token, signal))
  }
  const cause = (claims: Claims, accept: Accept): Promise<string> => {
    const { verifier, token } = give(claims, accept)
    return causeOf(verifier.verify(token, signal))
  }

  test.each<[string, unknown]>([
    ['absent', undefined],
    ['null', null],
    ['an empty list', []],
  ])('with aud %s asks accept', async (_name, aud) => {
    expect(await verdict({ aud }, () => true)).toBe('user-1')
    expect(await cause({ aud }, () => false)).toBe('the option accept does not accept the claims')
  })

  test.each<[string, unknown]>([
    ['another name', 'imports'],
    ['none', 'none'],
    ['an empty text', ''],
    ['a list', ['imports']],
    ['an object', {}],
    ['0', 0],
  ])('with aud %s does not ask', async (_name, aud) => {
    let asks = 0
    const accept = (): boolean => {
      asks += 1
      return true
    }
    expect(await cause({ aud }, accept)).toBe(`"aud" is ${JSON.stringify(aud)}, and audience is 'none'`)
    expect(asks).toBe(0)
  })

  test('asks last: not about claims with another fault', async () => {
    const accept = (): boolean => {
      throw new Error('asked')
    }
    expect(await verdict({ exp: 1 }, accept)).toBe('token_invalid')
    expect(await verdict({ cnf: {} }, accept)).toBe('token_invalid')
    expect(await verdict({ sub: '' }, accept)).toBe('token_invalid')
  })

  test('hands over frozen claims', async () => {
    const seen: Claims[] = []
    await verdict({}, (claims) => seen.push(claims) > 0)
    expect(seen.map((claims) => [claims['client_id'], Object.isFrozen(claims['org'])])).toEqual([
      ['client-1', true],
    ])
  })

  test('takes a refusal as one', async () => {
    expect(await verdict({}, () => refuse('token_invalid'))).toBe('token_invalid')
  })
})

test.each<[string, unknown, string]>([
  ['a promise', Promise.resolve(true), 'threw the option accept gave an object, no boolean'],
  ['a text', 'yes', 'threw the option accept gave a string, no boolean'],
  ['nothing', undefined, 'threw the option accept gave nothing, no boolean'],
  ['1', 1, 'threw the option accept gave 1, no boolean'],
])('accept that gives %s accepts nothing', async (_, given, verdict) => {
  const accept = (() => given) as Accept
  const jwt = byJwt({}, accept)
  expect(await verdictOf(jwt.verifier.verify(jwt.token, signal))).toBe(verdict)
  const opaque = byIntrospection({}, accept)
  expect(await verdictOf(opaque.verifier.verify(opaque.token, signal))).toBe('unavailable')
})
