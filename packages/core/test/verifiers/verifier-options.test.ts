import { describe, expect, test } from 'vitest'

import type { TokenVerifier } from '../../src/ports.ts'
import { createBearerVerifier } from '../../src/verifiers/bearer-verifier.ts'
import { createIntrospectionVerifier } from '../../src/verifiers/introspection-verifier.ts'
import { createJwtVerifier } from '../../src/verifiers/jwt-verifier.ts'
import { createForge, rsaSigner } from './forge.ts'

const { jwks } = createForge()
const url = new URL('https://login.example/x')
const verifier = createJwtVerifier({ issuer: 'i', audience: 'a', jwks, type: 'any' })

const factories: Record<string, { create: (options: never) => TokenVerifier; good: object }> = {
  createJwtVerifier: {
    create: createJwtVerifier,
    good: { issuer: 'https://login.example', audience: 'exports', jwks: url, type: 'at+jwt' },
  },
  createIntrospectionVerifier: {
    create: createIntrospectionVerifier,
    good: {
      endpoint: url,
      clientId: 'us',
      clientSecret: 'hush',
      issuer: 'https://login.example',
      audience: 'exports',
    },
  },
  createBearerVerifier: { create: createBearerVerifier, good: { jwt: verifier, opaque: verifier } },
}

function createWith(factory: string, changes: unknown): TokenVerifier {
  const { create, good } = factories[factory] ?? { create: () => verifier, good: {} }
  return create(
    (typeof changes === 'object' && changes !== null ? { ...good, ...changes } : changes) as never,
  )
}

const httpsOnly = 'must be an https URL, or http on a loopback host; got'
const algorithms = 'RS256, PS256, ES256, EdDSA, Ed25519, RS384, RS512, PS384, PS512, ES384, ES512'
const weak = rsaSigner('weak', 1_024).jwk

describe('wrong options', () => {
  test.each<[string, unknown, string]>([
    [
      'createJwtVerifier',
      undefined,
      'options: must be { issuer, audience, type, accept?, jwks?, algorithms?, clockToleranceMs?, maxTokenAgeMs?, cacheMs?, staleKeysMs?, readClaims?, subject?, maxTokenLength?, fetch? }; got nothing',
    ],
    ['createJwtVerifier', 'x', 'got a string'],
    ['createJwtVerifier', { isuer: 'x' }, 'isuer: is not an option; did you mean issuer?'],
    ['createJwtVerifier', { jwksUri: url }, 'jwksUri: is not an option; did you mean jwks?'],
    [
      'createJwtVerifier',
      { leeway: 5 },
      'leeway: is not an option; must be one of issuer, audience, accept,',
    ],
    ['createJwtVerifier', { leeway: 5 }, '/docs/options.md#createjwtverifier'],
    [
      'createJwtVerifier',
      { issuer: undefined },
      "issuer: must be the exact `iss` of your tokens, such as 'https://login.example.com'; got nothing",
    ],
    ['createJwtVerifier', { issuer: '' }, 'got an empty string'],
    ['createJwtVerifier', { issuer: url }, 'got an object'],
    [
      'createJwtVerifier',
      { issuer: ['a'], jwks: undefined },
      "issuer: must be at most 100 https URLs without query and fragment, or http on a loopback host; got ['a']",
    ],
    ['createJwtVerifier', { issuer: [] }, 'issuer: must be issuers; got []'],
    [
      'createJwtVerifier',
      { issuer: Array.from({ length: 101 }, (_, i) => `https://${i}.example`) },
      'got 101 issuers',
    ],
    [
      'createJwtVerifier',
      { issuer: ['https://login.example'] },
      'jwks: must be left out unless issuer is one name: the keys of several issuers are discovered; got keys',
    ],
    ['createJwtVerifier', { issuer: () => true }, 'jwks: must be left out unless issuer is one name'],
    [
      'createJwtVerifier',
      { audience: 'none' },
      "accept: must be a function (claims) => boolean, because audience is 'none'; got nothing",
    ],
    [
      'createIntrospectionVerifier',
      { audience: 'none' },
      'accept: must be a function (claims) => boolean, because',
    ],
    [
      'createJwtVerifier',
      { accept: () => true },
      "accept: must be left out, because audience is 'exports', not 'none'; got a function",
    ],
    [
      'createIntrospectionVerifier',
      { audience: ['none'], accept: () => true },
      "accept: must be left out, because audience is ['none'], not 'none'; got a function",
    ],
    [
      'createJwtVerifier',
      { audience: 'none', accept: true },
      'accept: must be a function (claims) => boolean; got true',
    ],
    [
      'createJwtVerifier',
      { audience: undefined },
      'audience: must be the `aud` that names this service, or a list of such names; got nothing',
    ],
    [
      'createJwtVerifier',
      { audience: [] },
      'audience: must be the `aud` that names this service, or a list of such names; got []',
    ],
    ['createJwtVerifier', { audience: ['a', '', 5] }, "got ['a', an empty string, 5]"],
    [
      'createJwtVerifier',
      { jwks: undefined, issuer: 'accounts.example.com' },
      "jwks: must be given, or issuer be an https URL without query and fragment to discover keys from; got nothing, and issuer 'accounts.example.com'",
    ],
    [
      'createIntrospectionVerifier',
      { endpoint: undefined, issuer: 'exports' },
      "endpoint: must be given, or issuer be an https URL without query and fragment to discover it from; got nothing, and issuer 'exports'",
    ],
    [
      'createJwtVerifier',
      { jwks: null },
      "jwks: must be new URL('https://…') of a key set, or { keys: [ … ] } itself; got null",
    ],
    [
      'createJwtVerifier',
      { maxTokenLength: 15 },
      'must be characters: a whole number from 16 to 65536; got 15',
    ],
    ['createIntrospectionVerifier', { maxTokenLength: 65_537 }, 'got 65537'],
    [
      'createJwtVerifier',
      { fetch: {} },
      'fetch: must be a function (url, init) => Promise<Response>; got an object',
    ],
    ['createJwtVerifier', { subject: 'azp' }, 'subject: must be a function (claims) => string; got a string'],
    ['createIntrospectionVerifier', { subject: null }, 'subject: must be a function (claims)'],
    ['createIntrospectionVerifier', { fetch: null }, 'fetch: must be a function (url, init)'],
    ['createJwtVerifier', { jwks: 'https://login.example/keys' }, 'got a string'],
    [
      'createJwtVerifier',
      { jwks: new URL('http://login.example/keys?a=b') },
      `jwks: ${httpsOnly} 'http://login.example/keys'`,
    ],
    ['createJwtVerifier', { jwks: new URL('http://127.0.0.1.example/keys') }, 'an https URL'],
    ['createJwtVerifier', { jwks: new URL('http://localhost.example/keys') }, 'an https URL'],
    ['createJwtVerifier', { jwks: new URL('file:///keys') }, 'an https URL'],
    [
      'createJwtVerifier',
      { jwks: new URL('https://us:hush@login.example/keys') },
      'jwks: must be a URL without credentials; got one with them',
    ],
    ['createJwtVerifier', { jwks: { keys: 'x' } }, 'got an object'],
    [
      'createJwtVerifier',
      { jwks: { keys: [] } },
      'jwks: must be at least one RSA, EC or Ed25519 key; got none that can verify',
    ],
    ['createJwtVerifier', { jwks: { keys: [{ kty: 'RSA', use: 'enc' }] } }, 'got none that can verify'],
    [
      'createJwtVerifier',
      { jwks: { keys: [...jwks.keys, { kty: 'oct', k: 'aHVzaA' }] } },
      'jwks: must be public keys to verify signatures with; got keys[2]: a symmetric key',
    ],
    [
      'createJwtVerifier',
      { jwks: { keys: [{ ...jwks.keys[0], d: 'aHVzaA' }] } },
      'got keys[0]: a private key',
    ],
    ['createJwtVerifier', { jwks: { keys: [{ ...jwks.keys[0], n: 'hush' }] } }, 'got keys[0]: an RSA key of'],
    ['createJwtVerifier', { jwks: { keys: [{ kty: 'RSA', n: 5 }] } }, 'got keys[0]: a malformed key'],
    [
      'createJwtVerifier',
      { jwks: { keys: [{ ...jwks.keys[0], e: 'Aw' }] } },
      'got keys[0]: an RSA key whose',
    ],
    [
      'createJwtVerifier',
      { jwks: { keys: Array.from({ length: 101 }, () => jwks.keys[0]) } },
      'jwks: must be at most 100 keys; got 101 keys',
    ],
    [
      'createJwtVerifier',
      {
        jwks: {
          keys: [
            { kty: 'RSA', use: 'enc' },
            { ...jwks.keys[0], exp: 'soon' },
          ],
        },
      },
      'got keys[1]: a malformed key',
    ],
    [
      'createJwtVerifier',
      { jwks: { keys: [weak] } },
      'got keys[0]: an RSA key of 1024 bits, fewer than 2,048 (RFC 7518 §3.3)',
    ],
    ['createJwtVerifier', { type: undefined }, "type: must be 'at+jwt' or 'JWT' or 'any'; got nothing"],
    ['createJwtVerifier', { type: 'jwt' }, "got 'jwt'"],
    ['createJwtVerifier', { algorithms: [] }, `algorithms: must be a list of ${algorithms}; got []`],
    [
      'createJwtVerifier',
      { algorithms: ['RS256', 'none'] },
      `algorithms: must be a list of ${algorithms}; got ['RS256', 'none']`,
    ],
    ['createJwtVerifier', { algorithms: ['HS256'] }, "got ['HS256']"],
    ['createJwtVerifier', { algorithms: ['RS1'] }, "got ['RS1']"],
    [
      'createJwtVerifier',
      { clockToleranceMs: 120_001 },
      'clockToleranceMs: must be 0, or how much clocks may differ in milliseconds (1 s is 1000): a whole number from 1000 to 120000; got 120001',
    ],
    ['createJwtVerifier', { clockToleranceMs: -1 }, 'got -1'],
    [
      'createJwtVerifier',
      { clockToleranceMs: 30 },
      '(1 s is 1000): a whole number from 1000 to 120000; got 30',
    ],
    ['createJwtVerifier', { maxTokenAgeMs: 3_600 }, '(1 s is 1000): a whole number from 60000 to'],
    ['createJwtVerifier', { cacheMs: 60 }, '(1 s is 1000): a whole number from 1000 to 60000; got 60'],
    [
      'createJwtVerifier',
      { staleKeysMs: 900 },
      '(1 s is 1000): a whole number from 1000 to 86400000; got 900',
    ],
    [
      'createIntrospectionVerifier',
      { cacheMs: 30 },
      '(1 s is 1000): a whole number from 1000 to 300000; got 30',
    ],
    [
      'createJwtVerifier',
      { algorithms: 'RS256' },
      `algorithms: must be a list of ${algorithms}; got 'RS256'`,
    ],
    ['createJwtVerifier', { audience: new Set(['exports']) }, 'got an object'],
    ['createJwtVerifier', { audience: url }, 'got an object'],
    ['createJwtVerifier', { audience: 5, issuer: 7 }, '\ncreateJwtVerifier: audience: must be'],
    ['createJwtVerifier', { clockToleranceMs: 0.5 }, 'got 0.5'],
    ['createJwtVerifier', { clockToleranceMs: Number.NaN }, 'got NaN'],
    ['createJwtVerifier', { clockToleranceMs: '5s' }, 'got a string'],
    [
      'createJwtVerifier',
      { maxTokenAgeMs: 0 },
      'maxTokenAgeMs: must be the greatest age of a token in milliseconds (1 s is 1000): a whole number from 60000 to 9007199254740991; got 0',
    ],
    ['createJwtVerifier', { maxTokenAgeMs: Number.POSITIVE_INFINITY }, 'got Infinity'],
    [
      'createJwtVerifier',
      { cacheMs: 60_001 },
      'cacheMs: must be 0, or how long a verified token is remembered in milliseconds (1 s is 1000): a whole number from 1000 to 60000; got 60001',
    ],
    [
      'createJwtVerifier',
      { staleKeysMs: 86_400_001 },
      'staleKeysMs: must be 0, or how long old keys serve while their source fails in milliseconds (1 s is 1000): a whole number from 1000 to 86400000; got 86400001',
    ],
    [
      'createJwtVerifier',
      { readClaims: {} },
      'readClaims: must be a function (claims) => ({ organizations, capabilities }); got an object',
    ],
    ['createJwtVerifier', { readClaims: null }, 'got null'],

    [
      'createIntrospectionVerifier',
      null,
      'options: must be { clientId, clientSecret, issuer, audience, accept?, endpoint?, cacheMs?, readClaims?, subject?, maxTokenLength?, fetch? }; got null',
    ],
    ['createIntrospectionVerifier', { timeout: 5 }, 'timeout: is not an option; must be one of endpoint,'],
    [
      'createIntrospectionVerifier',
      { endpoint: 'https://login.example/introspect' },
      "endpoint: must be new URL('https://…') of the introspection endpoint; got a string",
    ],
    ['createIntrospectionVerifier', { endpoint: 'https://us:hush@login.example' }, 'got a string'],
    [
      'createIntrospectionVerifier',
      { endpoint: new URL('http://login.example/') },
      `endpoint: ${httpsOnly} 'http://login.example/'`,
    ],
    [
      'createIntrospectionVerifier',
      { endpoint: new URL('https://us:hush@login.example/') },
      'endpoint: must be a URL without credentials; got one with them',
    ],
    [
      'createIntrospectionVerifier',
      { clientId: '' },
      'clientId: must be the id of your client at the authorization server; got an empty string',
    ],
    [
      'createIntrospectionVerifier',
      { clientSecret: undefined },
      'clientSecret: must be the secret of that client; got nothing',
    ],
    [
      'createIntrospectionVerifier',
      { clientSecret: 12_345 },
      'clientSecret: must be the secret of that client; got a number',
    ],
    ['createIntrospectionVerifier', { clientSecret: ['hush'] }, 'got an array'],
    ['createIntrospectionVerifier', { issuer: 5 }, 'issuer: must be the exact `iss` of your tokens, such as'],
    ['createIntrospectionVerifier', { audience: 'exports', issuer: 5 }, 'got 5'],
    ['createIntrospectionVerifier', { audience: [5] }, 'got [5]'],
    [
      'createIntrospectionVerifier',
      { cacheMs: 300_001 },
      'cacheMs: must be 0, or how long an active token is remembered in milliseconds (1 s is 1000): a whole number from 1000 to 300000; got 300001',
    ],
    ['createIntrospectionVerifier', { clientId: 5 }, 'got 5'],
    [
      'createIntrospectionVerifier',
      { readClaims: 'org' },
      'readClaims: must be a function (claims) => ({ organizations, capabilities }); got a string',
    ],

    ['createBearerVerifier', [], 'options: must be { jwt, opaque }; got an array'],
    [
      'createBearerVerifier',
      { jwt: undefined },
      'jwt: must be a verifier, such as createJwtVerifier({ … }); got nothing',
    ],
    [
      'createBearerVerifier',
      { opaque: {} },
      'opaque: must be a verifier, such as createIntrospectionVerifier({ … }); got an object',
    ],
    ['createBearerVerifier', { other: verifier }, 'other: is not an option; must be one of jwt, opaque'],
  ])('%s %j: %s', (factory, changes, message) => {
    const given = Array.isArray(changes)
      ? () => createBearerVerifier(changes as never)
      : () => createWith(factory, changes)
    expect(given).toThrow(TypeError)
    expect(given).toThrow(`${factory}: `)
    expect(given).toThrow(message)
    expect(messageOf(given)).not.toMatch(/hush|aHVzaA|12345/)
  })
})

describe('good options', () => {
  test.each<[string, object]>([
    ['createJwtVerifier', {}],
    ['createJwtVerifier', { jwks }],
    ['createJwtVerifier', { jwks: { keys: [...jwks.keys, { kty: 'AKP' }, { kty: 'RSA', use: 'enc' }] } }],
    ['createJwtVerifier', { jwks: new URL('http://localhost:8080/keys') }],
    ['createJwtVerifier', { jwks: new URL('http://127.9.9.9/keys') }],
    ['createJwtVerifier', { jwks: new URL('http://[::1]/keys') }],
    [
      'createJwtVerifier',
      {
        audience: ['a', 'b'],
        algorithms: ['ES512'],
        clockToleranceMs: 0,
        maxTokenAgeMs: 60_000,
        cacheMs: 0,
        staleKeysMs: 0,
      },
    ],
    ['createJwtVerifier', { readClaims: () => ({ organizations: [], capabilities: [] }) }],
    ['createJwtVerifier', { cacheMs: undefined, readClaims: undefined }],
    ['createJwtVerifier', { jwks: undefined, fetch, maxTokenLength: 65_536 }],
    ['createJwtVerifier', { issuer: 'https://login.example/a/', jwks: undefined }],
    ['createJwtVerifier', { issuer: 'accounts.example.com' }],
    ['createJwtVerifier', { issuer: ['https://a.example', 'http://localhost/b'], jwks: undefined }],
    ['createJwtVerifier', { issuer: () => false, jwks: undefined }],
    ['createJwtVerifier', { audience: 'none', accept: () => false }],
    ['createIntrospectionVerifier', { audience: 'none', accept: () => false }],
    ['createIntrospectionVerifier', { endpoint: undefined, fetch, maxTokenLength: 16 }],
    ['createIntrospectionVerifier', {}],
    ['createIntrospectionVerifier', { cacheMs: 0, endpoint: new URL('http://localhost/') }],
    ['createBearerVerifier', {}],
  ])('%s %j', (factory, changes) => {
    expect(createWith(factory, changes).verify).toBeTypeOf('function')
  })
})

function messageOf(create: () => unknown): string {
  try {
    create()
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
}

// The compiler ties `accept` to `audience`: each line without its directive fails, and so does an unused directive.
const tied = { issuer: 'https://login.example', type: 'any' } as const
const accept = (): boolean => true
const either: string = 'exports'
export const compiles: readonly (() => TokenVerifier)[] = [
  () => createJwtVerifier({ ...tied, audience: 'none', accept: (claims) => claims['client_id'] === 'a' }),
  () => createJwtVerifier({ ...tied, audience: either }),
  () => createJwtVerifier({ ...tied, audience: ['exports', 'none'] }),
  // @ts-expect-error -- no accept
  () => createJwtVerifier({ ...tied, audience: 'none' }),
  // @ts-expect-error -- accept with a name
  () => createJwtVerifier({ ...tied, audience: 'exports', accept }),
  // @ts-expect-error -- accept with names
  () => createJwtVerifier({ ...tied, audience: ['exports'], accept }),
  // @ts-expect-error -- no audience
  () => createJwtVerifier({ ...tied, accept }),
  // @ts-expect-error -- no accept
  () => createIntrospectionVerifier({ issuer: 'i', clientId: 'us', clientSecret: 'hush', audience: 'none' }),
]
