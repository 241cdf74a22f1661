import { createPublicKey } from 'node:crypto'

import { calculateJwkThumbprint } from 'jose'
import { describe, expect, test } from 'vitest'

import { readKeySet } from '../../src/verifiers/key-set.ts'
import { ecSigner, edSigner, rsaSigner } from './forge.ts'

const [rsa, ec, ed] = [rsaSigner('rsa'), ecSigner('ec'), edSigner('ed')]

describe('readKeySet', () => {
  test('knows RSA, EC and Ed25519 keys by their RFC 7638 thumbprints', async () => {
    const { keys, unfit } = readKeySet({ keys: [rsa.jwk, ec.jwk, ed.jwk] })
    const thumbprints = await Promise.all([rsa, ec, ed].map(({ jwk }) => calculateJwkThumbprint(jwk)))
    expect(unfit).toEqual([])
    expect(keys.size).toBe(3)
    expect([...keys.kids]).toEqual(['rsa', 'ec', 'ed'])
    expect(keys.thumbprints).toBe(thumbprints.toSorted().join(' '))
  })

  test('sees the same keys whatever their order, names and further members', () => {
    const one = readKeySet({ keys: [rsa.jwk, ec.jwk] }).keys
    const other = readKeySet({
      keys: [{ ...ec.jwk, kid: 'x' }, { ...rsa.jwk, x5c: ['x'], alg: undefined }, rsa.jwk],
    }).keys
    expect(other.thumbprints).toBe(one.thumbprints)
  })

  test.each([
    ['for encryption', { ...rsa.jwk, use: 'enc' }],
    ['for another operation', { ...rsa.jwk, key_ops: ['encrypt'] }],
    ['on a curve that signs nothing', { kty: 'OKP', crv: 'X25519', x: ed.jwk.x }],
    ['on an unknown curve', { ...ec.jwk, crv: 'secp256k1' }],
    ['of an unknown type', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' }],
    ['of the type constructor', { kty: 'constructor', crv: 'P-256' }],
    ['without a type', {}],
  ])('passes over a key %s', (_, jwk) => {
    const { keys, unfit } = readKeySet({ keys: [jwk, ec.jwk] })
    expect([...keys.kids]).toEqual(['ec'])
    expect(unfit).toEqual([])
  })

  test.each([
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0', kid: 'secret-kid' }],
    ['a private key', { ...rsa.jwk, d: 'secret' }],
    ['a malformed key', { ...rsa.jwk, n: undefined }],
    ['a malformed key', { ...ec.jwk, x: ec.jwk.y, y: ec.jwk.y }],
    ['a malformed key', { ...ec.jwk, x: 5 }],
    ['an RSA key of 1024 bits, fewer than 2,048 (RFC 7518 §3.3)', rsaSigner('weak', 1_024).jwk],
    ['not an object', 'key'],
    ['not an object', null],
  ])('does not use %s', (fault, jwk) => {
    const { keys, unfit } = readKeySet({ keys: [ec.jwk, jwk] })
    expect([...keys.kids]).toEqual(['ec'])
    expect(unfit).toEqual([`keys[1]: ${fault}`])
  })

  test.each([undefined, null, [], 'keys', {}, { keys: {} }, { keys: null }])(
    'refuses %j as a document',
    (document) => {
      expect(() => readKeySet(document)).toThrow('no JWK Set')
    },
  )

  test('takes an empty set as it is', () => {
    expect(readKeySet({ keys: [] }).keys).toMatchObject({ size: 0, thumbprints: '' })
  })
})

test('the thumbprint of the example in RFC 7638 §3.1', () => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
  const jwk = { kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }
  expect(createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyType).toBe('rsa')
  expect(readKeySet({ keys: [jwk] }).keys.thumbprints).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
})
