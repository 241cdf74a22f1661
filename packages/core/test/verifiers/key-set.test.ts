import { createPublicKey } from 'node:crypto'

import { calculateJwkThumbprint } from 'jose'
import { describe, expect, test } from 'vitest'

import { type KeySet, readKeySet } from '../../src/verifiers/key-set.ts'
import { ecSigner, edSigner, rsaSigner } from './forge.ts'

const [rsa, ec, ed] = [rsaSigner('rsa'), ecSigner('ec'), edSigner('ed')]
const kidsOf = ({ keys }: KeySet): readonly unknown[] => keys.map(({ kid }) => kid)

describe('readKeySet', () => {
  test('knows RSA, EC and Ed25519 keys by their RFC 7638 thumbprints', async () => {
    const { keys, unfit } = readKeySet({ keys: [rsa.jwk, ec.jwk, ed.jwk] })
    const thumbprints = await Promise.all([rsa, ec, ed].map(({ jwk }) => calculateJwkThumbprint(jwk)))
    expect(unfit).toEqual([])
    expect(kidsOf(keys)).toEqual(['rsa', 'ec', 'ed'])
    expect(keys.thumbprints).toBe(thumbprints.toSorted().join(' '))
  })

  test('sees the same keys whatever their order, names and further members', () => {
    const one = readKeySet({ keys: [rsa.jwk, ec.jwk] }).keys
    const other = readKeySet({
      keys: [{ ...ec.jwk, kid: 'x' }, { ...rsa.jwk, x5c: ['x'], alg: undefined }, rsa.jwk],
    }).keys
    expect(other.thumbprints).toBe(one.thumbprints)
  })

  test.each(['sig', 'jwt-svid', 'SIG', 'access_token', undefined])('uses a key for %s', (use) => {
    const { keys, unfit } = readKeySet({ keys: [{ ...rsa.jwk, use }] })
    expect(keys.keys).toHaveLength(1)
    expect(unfit).toEqual([])
  })

  test.each([
    ['for encryption', { ...rsa.jwk, use: 'enc' }],
    ['for certificates', { ...rsa.jwk, use: 'x509-svid' }],
    ['for a use that is no text', { ...rsa.jwk, use: ['sig'] }],
    ['for another operation', { ...rsa.jwk, key_ops: ['encrypt'] }],
    ['on a curve that signs nothing', { kty: 'OKP', crv: 'X25519', x: ed.jwk.x }],
    ['on an unknown curve', { ...ec.jwk, crv: 'secp256k1' }],
    ['of an unknown type', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' }],
    ['of the type constructor', { kty: 'constructor', crv: 'P-256' }],
    ['without a type', {}],
  ])('passes over a key %s', (_, jwk) => {
    const { keys, unfit } = readKeySet({ keys: [jwk, ec.jwk] })
    expect(kidsOf(keys)).toEqual(['ec'])
    expect(unfit).toEqual([])
  })

  test.each([
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0', kid: 'secret-kid' }],
    ['a private key', { ...rsa.jwk, d: 'secret' }],
    ['a malformed key', { ...rsa.jwk, n: undefined }],
    ['a malformed key', { ...ec.jwk, x: ec.jwk.y, y: ec.jwk.y }],
    ['a malformed key', { ...ec.jwk, x: 5 }],
    ['a malformed key', { ...ec.jwk, alg: 5 }],
    ['a malformed key', { ...ec.jwk, kid: 5 }],
    ['a malformed key', { ...ec.jwk, exp: '2030-01-01' }],
    ['not an object', 'key'],
    ['not an object', null],
  ])('does not use %s', (fault, jwk) => {
    const { keys, unfit } = readKeySet({ keys: [ec.jwk, jwk] })
    expect(kidsOf(keys)).toEqual(['ec'])
    expect(unfit).toEqual([`keys[1]: ${fault}`])
  })

  test.each([
    ['of 1024 bits, fewer than 2,048 (RFC 7518 §3.3)', rsaSigner('weak', 1_024).jwk],
    ...['AQ', 'Aw', 'AQAA', 'AQAC', 'AQAAAAAA'].map((e): [string, object] => [
      'whose exponent is even or below 65,537 (NIST SP 800-131A)',
      { ...rsa.jwk, e },
    ]),
  ])('finds an RSA key %s weak: %j', (fault, jwk) => {
    const { keys, weak, unfit } = readKeySet({ keys: [ec.jwk, jwk] })
    expect(kidsOf(keys)).toEqual(['ec'])
    expect({ weak, unfit }).toEqual({ weak: [`keys[1]: an RSA key ${fault}`], unfit: [] })
  })

  test.each(['AQAB', 'AQAAAAE'])('takes the exponent %s', (e) => {
    expect(kidsOf(readKeySet({ keys: [{ ...rsa.jwk, e }] }).keys)).toEqual(['rsa'])
  })

  test('takes null for an absent member', () => {
    const jwk = { ...rsa.jwk, alg: null, exp: null }
    expect(kidsOf(readKeySet({ keys: [jwk] }).keys)).toEqual(['rsa'])
  })

  test('counts a key once that is listed twice', () => {
    expect(kidsOf(readKeySet({ keys: [rsa.jwk, ec.jwk, { ...rsa.jwk, x5t: 'x' }] }).keys)).toEqual([
      'rsa',
      'ec',
    ])
  })

  test('refuses more than 100 keys, and imports none of them', () => {
    const keys = Array.from({ length: 100 }, (_, index) => ({ ...ec.jwk, kid: `${index}` }))
    expect(readKeySet({ keys }).keys.keys).toHaveLength(100)
    expect(() => readKeySet({ keys: [...keys, ec.jwk] })).toThrow('the JWK Set lists 101 keys, more than 100')
  })

  test.each([undefined, null, [], 'keys', {}, { keys: {} }, { keys: null }])(
    'refuses %j as a document',
    (document) => {
      expect(() => readKeySet(document)).toThrow('must be a JWK Set')
    },
  )

  test('takes an empty set as it is', () => {
    expect(readKeySet({ keys: [] }).keys).toEqual({ keys: [], thumbprints: '' })
  })
})

test('the thumbprint of the example in RFC 7638 §3.1', () => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
  const jwk = { kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }
  expect(createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyType).toBe('rsa')
  expect(readKeySet({ keys: [jwk] }).keys.thumbprints).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
})
