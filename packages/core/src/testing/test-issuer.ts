import { createHash, generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'

import type { Claims } from '../ports.ts'

/** An issuer of access tokens in this process, for tests and development. */
export interface TestIssuer {
  /** `'https://issuer.test'`: the `iss` of its tokens. */
  readonly issuer: string
  /** Its public key, for `createJwtVerifier`'s `jwks` or to be served as JSON. Deeply frozen. */
  readonly jwks: {
    /** One JWK. */
    readonly keys: readonly object[]
  }
  /**
   * Signs an access token (RS256, `typ: at+jwt`) that is valid for an hour.
   *
   * @param claims - override the defaults: `iss`, `aud: 'exports'`, `sub: 'user-1'`, `client_id: 'client-1'`,
   *   `org: 'acme'`, `scope: 'exports:download'`, `iat`, `exp`. A claim set to `undefined` is left out
   */
  token(claims?: Claims): Promise<string>
}

const ISSUER = 'https://issuer.test'
const LIFETIME_S = 3_600

/** Creates an issuer. Its key is random, so its tokens are valid only in this process. */
export async function createTestIssuer(): Promise<TestIssuer> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2_048 })
  const { kty, n, e } = publicKey.export({ format: 'jwk' })
  const kid = createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url') // RFC 7638
  const jwk = Object.freeze({ kty, n, e, kid, use: 'sig', alg: 'RS256' })
  return {
    issuer: ISSUER,
    jwks: Object.freeze({ keys: Object.freeze([jwk]) }),
    token: async (claims) =>
      signed(privateKey, { alg: 'RS256', typ: 'at+jwt', kid }, { ...defaultClaims(), ...claims }),
  }
}

function defaultClaims(): Claims {
  const iat = Math.floor(Date.now() / 1_000)
  const times = { iat, exp: iat + LIFETIME_S }
  return {
    iss: ISSUER,
    aud: 'exports',
    sub: 'user-1',
    client_id: 'client-1',
    org: 'acme',
    scope: 'exports:download',
    ...times,
  }
}

function signed(key: KeyObject, header: Claims, claims: Claims): string {
  const input = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}
