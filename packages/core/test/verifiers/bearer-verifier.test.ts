import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Principal, TokenVerifier } from '../../src/ports.ts'
import type { TroubleCode } from '../../src/refusals.ts'
import { createBearerVerifier } from '../../src/verifiers/bearer-verifier.ts'
import { verdictOf } from './verdict.ts'

const { signal } = new AbortController()
const principal = (subject: string): Principal => ({
  issuer: 'issuer',
  subject,
  organizations: [],
  capabilities: [],
  claims: {},
})
const accepting = (subject: string): TokenVerifier => ({ verify: async () => principal(subject) })
const verifier = createBearerVerifier({ jwt: accepting('jwt'), opaque: accepting('opaque') })
const road = (token: string): Promise<string> => verdictOf(verifier.verify(token, signal))

describe('createBearerVerifier', () => {
  test.each([
    ['eyJhbGciOiJub25lIn0.e30.', 'jwt'],
    ['eyJhbGciOiJub25lIn0.e30.x=', 'jwt'],
    ['eyJhbGciOiJub25lIn0.e30.x.', 'jwt'],
    ['eyJhbGciOiJub25lIn0.e30', 'jwt'],
    ['eyJhbGciOiJub25lIn0', 'jwt'],
    ['eyJ', 'jwt'],
    ['.eyJhbGciOiJub25lIn0.e30.x', 'jwt'],
    ['bnVsbA.eyJzdWIiOiJhZG1pbiJ9.x', 'jwt'], // its header is null
    ['eyAiYWxnIjoibm9uZSJ9.e30.x', 'jwt'], // a blank after the brace
    ['ewogImFsZyI6Im5vbmUifQ.e30.x', 'jwt'], // a line feed
    ['ew0KImFsZyI6Im5vbmUifQ.e30.x', 'jwt'], // a carriage return
    ['e30.e30.', 'jwt'], // an empty header
    ['ory_at_Zs6nJ0rqj3TMmTn0y3a4.3Hh3lHKjKqf5uQ', 'opaque'], // Ory Hydra
    ['ya29.a0AfH6SMBx-3_kzQ', 'opaque'], // Google
    ['ya29.c.Ko8BvAe3_kzQ-x', 'opaque'], // Google, of a service account
    ['ew-opaque-token-of-random', 'opaque'],
    ['a.b.c', 'token_invalid'],
    ['..', 'token_invalid'],
    ['a.\n.c.and.long.enough', 'token_invalid'],
    ['x'.repeat(16), 'opaque'],
    ['x'.repeat(513), 'opaque'],
    ['x'.repeat(65_536), 'opaque'],
    ['2YotnFZFEjr1zCsicMWpAA==', 'opaque'],
    ['A-_~+/z0123456789', 'opaque'],
    ['x'.repeat(15), 'token_invalid'],
    ['', 'token_invalid'],
    ['one.dot-and-long-enough', 'opaque'],
    ['padding=inside-and-long', 'token_invalid'],
    ['================', 'token_invalid'],
    ['a blank and long enough', 'token_invalid'],
    [`${'x'.repeat(16)}\n`, 'token_invalid'],
    ['ä'.repeat(16), 'token_invalid'],
  ])('%j: %s', async (token, verdict) => {
    expect(await road(token)).toBe(verdict)
  })

  test('no text that begins eyJ, and nothing with a JSON object for its header, reaches the verifier of opaque tokens', async () => {
    const blank = fc.constantFrom('', ' ', '\n', '\r\n', '\t')
    const headed = fc
      .tuple(blank, fc.dictionary(fc.string(), fc.string()), fc.string(), fc.string())
      .map(([space, header, payload, rest]) => {
        const json = JSON.stringify(header).replace('{', `{${space}`)
        return `${Buffer.from(json).toString('base64url')}.${payload}.${rest}`
      })
    const marked = fc.string().map((text) => `eyJ${text}`)
    await fc.assert(
      fc.asyncProperty(fc.oneof(headed, marked), async (token) => {
        expect(await road(token)).toBe('jwt')
      }),
    )
  })

  test('hands on token, signal, caller and promise as they are', () => {
    const promise = Promise.resolve(principal('jwt'))
    const seen: unknown[] = []
    const verify: TokenVerifier['verify'] = (...args) => {
      seen.push(...args)
      return promise
    }
    const { verify: both } = createBearerVerifier({ jwt: { verify }, opaque: accepting('opaque') })
    const caller = { address: '203.0.113.9' }
    expect(both('eyJ.e30.x', signal, caller)).toBe(promise)
    expect(seen).toEqual(['eyJ.e30.x', signal, caller])
  })

  test('is ready when both are', async () => {
    const readyWhen = (result: Promise<void>): TokenVerifier => ({ ...accepting('x'), ready: () => result })
    const away = new Error('keys are away')
    const unready = { jwt: accepting('x'), opaque: readyWhen(Promise.reject(away)) }
    await expect(createBearerVerifier(unready).ready?.(signal)).rejects.toBe(away)
    const ready = { jwt: readyWhen(Promise.resolve()), opaque: accepting('x') }
    await expect(createBearerVerifier(ready).ready?.(signal)).resolves.toBeUndefined()
  })

  test('tells the troubles of both', () => {
    const source = (code: TroubleCode<'verifier'>): TokenVerifier => ({
      ...accepting(code),
      onTrouble: (listener) => listener(code),
    })
    const told: string[] = []
    createBearerVerifier({ jwt: source('keys_stale'), opaque: source('verifier_silent') }).onTrouble?.(
      (code) => told.push(code),
    )
    verifier.onTrouble?.((code) => told.push(code)) // neither has any to tell
    expect(told).toEqual(['keys_stale', 'verifier_silent'])
  })
})
