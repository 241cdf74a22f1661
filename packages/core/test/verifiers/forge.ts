import { createHmac, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto'

import type { Claims } from '../../src/ports.ts'

/** A key that signs, and its public half as an issuer publishes it. */
export interface Signer {
  readonly alg: string
  readonly kid: string
  readonly jwk: JsonWebKey
  readonly publicKey: KeyObject
  sign(input: string): Buffer
}

export function rsaSigner(kid: string, modulusLength = 2_048): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength })
  return signerOf('RS256', kid, publicKey, (input) => sign('sha256', input, privateKey))
}

export function ecSigner(kid: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return signerOf('ES256', kid, publicKey, (input) =>
    sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  )
}

export function edSigner(kid: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return signerOf('EdDSA', kid, publicKey, (input) => sign(null, input, privateKey))
}

function signerOf(
  alg: string,
  kid: string,
  publicKey: KeyObject,
  signBytes: (input: Buffer) => Buffer,
): Signer {
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
  return { alg, kid, jwk, publicKey, sign: (input) => signBytes(Buffer.from(input)) }
}

/** Base64url of bytes, of a text as it stands, or of a value as JSON. */
function part(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64url')
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** Any header and payload, as objects or as JSON text, honestly signed. */
export function jws(header: unknown, payload: unknown, signer: Pick<Signer, 'sign'>): string {
  const input = `${part(header)}.${part(payload)}`
  return `${input}.${part(signer.sign(input))}`
}

/** An issuer with an RSA and an EC key whose tokens may be wrong in every way. */
export interface Forge {
  readonly issuer: string
  readonly audience: string
  readonly rsa: Signer
  readonly ec: Signer
  readonly jwks: { readonly keys: readonly JsonWebKey[] }
  /** The claims of a sound token, with changes; `undefined` leaves a claim out. */
  readonly claims: (changes?: Claims) => Claims
  /** A token, sound but for the changes. */
  readonly token: (claims?: Claims, header?: Claims, signer?: Signer) => string
}

/** @param defaults - laid over the claims of a sound token; `undefined` leaves a claim out */
export function createForge(
  now: () => number = Date.now,
  defaults: Claims & { readonly iss?: string } = {},
): Forge {
  const [rsa, ec] = [rsaSigner('rsa-1'), ecSigner('ec-1')]
  const [issuer, audience] = [defaults.iss ?? 'https://issuer.example', 'exports']
  const claims = (changes: Claims = {}): Claims => {
    const iat = Math.floor(now() / 1_000)
    return {
      iss: issuer,
      aud: audience,
      sub: 'user-1',
      org: ['acme', 'globex'],
      scope: 'exports:download openid',
      iat,
      exp: iat + 600,
      ...defaults,
      ...changes,
    }
  }
  const token = (changes?: Claims, header?: Claims, signer: Signer = rsa): string =>
    jws({ alg: signer.alg, typ: 'at+jwt', kid: signer.kid, ...header }, claims(changes), signer)
  return { issuer, audience, rsa, ec, jwks: { keys: [rsa.jwk, ec.jwk] }, claims, token }
}

/** A spoilt token and the same unspoilt. Good ones are for `type: 'at+jwt'` and default options. */
export interface Attack {
  readonly name: string
  readonly spoilt: string
  readonly sound: string
  /** How often a verifier that knows no keys yet may fetch them for the spoilt token. */
  readonly keyFetches: 0 | 1
}

/** RFC 8725, and what was seen in the wild. `elsewhere`: where the attacker serves keys of his own. */
export function forgeAttacks(forge: Forge, elsewhere: string): readonly Attack[] {
  const { rsa, ec, token, claims } = forge
  const sound = token()
  const [header = '', payload = '', signature = ''] = sound.split('.')
  const now = Number(claims()['iat'])
  const stranger = rsaSigner(rsa.kid)
  const rs256 = { alg: 'RS256', typ: 'at+jwt', kid: rsa.kid }
  const hmac = (secret: string | Buffer): Pick<Signer, 'sign'> => ({
    sign: (input) => createHmac('sha256', secret).update(input).digest(),
  })
  const junk: Pick<Signer, 'sign'> = { sign: () => Buffer.from('no signature at all') }
  const text = (changes: string): string => JSON.stringify(claims()).replace(/\}$/, `,${changes}}`)

  const early = Object.entries({
    'alg none, no signature': `${part({ ...rs256, alg: 'none' })}.${payload}.`,
    'alg none, some signature': jws({ ...rs256, alg: 'none' }, claims(), junk),
    'alg NONE': jws({ ...rs256, alg: 'NONE' }, claims(), junk),
    'alg noNE': jws({ ...rs256, alg: 'noNE' }, claims(), junk),
    'HS256 with the public key as PEM': jws(
      { ...rs256, alg: 'HS256' },
      claims(),
      hmac(rsa.publicKey.export({ format: 'pem', type: 'spki' })),
    ),
    'HS256 with the public key as DER': jws(
      { ...rs256, alg: 'HS256' },
      claims(),
      hmac(rsa.publicKey.export({ format: 'der', type: 'spki' })),
    ),
    'HS256 with the public key as JWK': jws(
      { ...rs256, alg: 'HS256' },
      claims(),
      hmac(JSON.stringify(rsa.jwk)),
    ),
    'HS256 with an empty secret': jws({ ...rs256, alg: 'HS256' }, claims(), hmac('')),
    'alg in lower case': jws({ ...rs256, alg: 'rs256' }, claims(), rsa),
    'alg an array': jws({ ...rs256, alg: ['RS256'] }, claims(), rsa),
    'alg missing': jws({ ...rs256, alg: undefined }, claims(), rsa),
    'kid a number': token({}, { kid: 1 }),
    'kid null': token({}, { kid: null }),
    'alg __proto__': jws('{"alg":"__proto__"}', claims(), rsa),
    'b64 false, critical': jws({ ...rs256, b64: false, crit: ['b64'] }, claims(), rsa),
    'b64 false, not critical': jws({ ...rs256, b64: false }, claims(), rsa),
    'header an array': jws([rs256], claims(), rsa),
    'header null': jws('null', claims(), rsa),
    'header no JSON': jws('alg=RS256', claims(), rsa),
    'header no UTF-8': jws(Buffer.from([0x7b, 0xff, 0x7d]), claims(), rsa),
    'a JWE of five parts': [part({ alg: 'RSA-OAEP', enc: 'A256GCM' }), 'AA', 'AA', 'AA', 'AA'].join('.'),
    'a JWE with compression and PBES2': [
      part({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', zip: 'DEF', p2c: 2 ** 31 }),
      'AA',
      'AA',
      'AA',
      'AA',
    ].join('.'),
    'flattened JSON serialization': JSON.stringify({ protected: header, payload, signature }),
    'one = appended': `${sound}=`,
    'two = appended': `${sound}==`,
    'a dot appended': `${sound}.`,
    'a dot put before': `.${sound}`,
    'a blank appended': `${sound} `,
    'a line feed appended': `${sound}\n`,
    'a blank put before': ` ${sound}`,
    'a null byte appended': `${sound}\0`,
    'padding inside': `${header}=.${payload}.${signature}`,
    'base64 instead of base64url': `${header}.${payload}.${signature.replace(/^../, '+/')}`,
    'no signature': `${header}.${payload}.`,
    'two parts': `${header}.${payload}`,
    'no payload': `${header}..${signature}`,
    'longer than 8,192 characters': token({ pad: 'x'.repeat(8_192) }),
  }).map(([name, spoilt]): Attack => ({ name, spoilt, sound, keyFetches: 0 }))

  const late = Object.entries({
    'tampered payload': `${header}.${part(claims({ sub: 'admin' }))}.${signature}`,
    'tampered header': `${part({ ...rs256, cty: 'x' })}.${payload}.${signature}`,
    'tampered signature': `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    'shortened signature': `${header}.${payload}.${signature.slice(0, -4)}`,
    'signature of another token': `${header}.${payload}.${token({ sub: 'other' }).split('.')[2]}`,
    'alg twice, none first': jws('{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"rsa-1"}', claims(), junk),
    'another key under the same kid': token({}, {}, stranger),
    'embedded jwk': token({}, { jwk: stranger.jwk }, stranger),
    'embedded x5c': token(
      {},
      { x5c: [part(stranger.publicKey.export({ format: 'der', type: 'spki' }))] },
      stranger,
    ),
    'jku elsewhere': token({}, { jku: `${elsewhere}jwks` }, stranger),
    'x5u elsewhere': token({}, { x5u: `${elsewhere}x5u` }, stranger),
    'jku and iss elsewhere': token({ iss: elsewhere }, { jku: `${elsewhere}jwks` }, stranger),
    'unknown kid': token({}, { kid: 'unheard-of' }),
    'kid a path': token({}, { kid: '../../../../dev/null' }),
    'kid an SQL injection': token({}, { kid: "' UNION SELECT 'secret" }),
    'kid __proto__': token({}, { kid: '__proto__' }),
    'no kid, though there are two keys': token({}, { kid: undefined }),
    'unknown critical header': token({}, { crit: ['exp'], exp: now + 600 }),
    'empty crit': token({}, { crit: [] }),
    'crit no array': token({}, { crit: 'b64' }),
    'ES256 with r = s = 0': jws({ alg: 'ES256', typ: 'at+jwt', kid: ec.kid }, claims(), {
      sign: () => Buffer.alloc(64),
    }),
    'ES256 in DER': jws({ alg: 'ES256', typ: 'at+jwt', kid: ec.kid }, claims(), {
      sign: () => Buffer.from('3006020101020101', 'hex'),
    }),
    'ES256 with the kid of an RSA key': jws({ ...rs256, alg: 'ES256' }, claims(), ec),
    'RS256 with the kid of an EC key': jws({ ...rs256, kid: ec.kid }, claims(), rsa),
    'PS256 with a key for RS256': jws({ ...rs256, alg: 'PS256' }, claims(), rsa),
    'EdDSA with the kid of an EC key': jws({ ...rs256, alg: 'EdDSA', kid: ec.kid }, claims(), edSigner('ed')),
    'typ JWT: an ID token perhaps': token({}, { typ: 'JWT' }),
    'typ missing': token({}, { typ: undefined }),
    'typ an array': token({}, { typ: ['at+jwt'] }),
    'typ dpop+jwt': token({}, { typ: 'dpop+jwt' }),
    'payload no JSON': jws(rs256, 'sub=admin', rsa),
    'payload an array': jws(rs256, [claims()], rsa),
    'payload null': jws(rs256, 'null', rsa),
    'payload no UTF-8': jws(rs256, Buffer.from([0x7b, 0xff, 0x7d]), rsa),
    'iss missing': token({ iss: undefined }),
    'iss of another issuer': token({ iss: 'https://other.example' }),
    'iss with a slash at its end': token({ iss: `${forge.issuer}/` }),
    'iss in upper case': token({ iss: forge.issuer.toUpperCase() }),
    'iss an array': token({ iss: [forge.issuer] }),
    'aud missing': token({ aud: undefined }),
    'aud of another service': token({ aud: 'imports' }),
    'aud beginning like ours': token({ aud: `${forge.audience}-all` }),
    'aud an empty array': token({ aud: [] }),
    'aud a number': token({ aud: 5 }),
    'aud an array of numbers': token({ aud: [5] }),
    'aud ours and a number': token({ aud: [forge.audience, 5] }),
    'aud an object': token({ aud: { [forge.audience]: true } }),
    'exp missing': token({ exp: undefined }),
    'exp past': token({ exp: now - 31 }),
    'exp 0': token({ exp: 0 }),
    'exp negative': token({ exp: -now }),
    'exp a string': token({ exp: String(now + 600) }),
    'exp null': token({ exp: null }),
    'exp 1e999': jws(rs256, text('"exp":1e999'), rsa),
    'exp beyond exact numbers': jws(rs256, text('"exp":1e300'), rsa),
    'nbf in the future': token({ nbf: now + 90 }),
    'nbf a string': token({ nbf: String(now) }),
    'nbf 1e999': jws(rs256, text('"nbf":1e999'), rsa),
    'nbf -1e999': jws(rs256, text('"nbf":-1e999'), rsa),
    'iat missing': token({ iat: undefined }),
    'iat in the future': token({ iat: now + 90 }),
    'iat more than a day ago': token({ iat: now - 86_431 }),
    'iat a string': token({ iat: String(now) }),
    'iat 1e999': jws(rs256, text('"iat":1e999'), rsa),
    'sub missing': token({ sub: undefined }),
    'sub null beside a client_id': token({ sub: null, client_id: 'client-1' }),
    'sub empty beside a client_id': token({ sub: '', client_id: 'client-1' }),
    'client_id a number, no sub': token({ sub: undefined, client_id: 5 }),
    'client_id empty beside azp, no sub': token({ sub: undefined, client_id: '', azp: 'client-1' }),
    'sub empty': token({ sub: '' }),
    'sub a number': token({ sub: 1 }),
    'sub an array': token({ sub: ['user-1'] }),
    'sub null': token({ sub: null }),
    'sub of 257 characters': token({ sub: 's'.repeat(257) }),
    'cnf with a DPoP key': token({ cnf: { jkt: 'x' } }),
    'cnf with a certificate': token({ cnf: { 'x5t#S256': 'x' } }),
    'cnf null': token({ cnf: null }),
  }).map(([name, spoilt]): Attack => ({ name, spoilt, sound, keyFetches: 1 }))
  return [...early, ...late]
}

/** What a verifier of several issuers must refuse. Both issuers are trusted, and both name their keys alike. */
export function issuerAttacks(one: Forge, other: Forge): readonly Attack[] {
  const sound = one.token()
  const signed = (signer: Signer, claims: Claims, header: Claims = {}): string =>
    one.token(claims, header, signer)
  const [header = '', , signature = ''] = sound.split('.')
  return Object.entries<readonly [spoilt: string, keyFetches: 0 | 1]>({
    "signed with the other issuer's key of the same name": [signed(other.rsa, {}), 1],
    "in the other issuer's name, signed with our key": [signed(one.rsa, { iss: other.issuer }), 1],
    "signed with the other issuer's key, without a kid": [signed(other.rsa, {}, { kid: undefined }), 1],
    "the other issuer's name put into a signed token": [
      `${header}.${part(one.claims({ iss: other.issuer }))}.${signature}`,
      1,
    ],
    'iss twice, the trusted one last': [
      jws(
        { alg: 'RS256', typ: 'at+jwt', kid: other.rsa.kid },
        JSON.stringify(one.claims()).replace('{', `{"iss":"${other.issuer}",`),
        other.rsa,
      ),
      1,
    ],
    'iss a list of both': [signed(one.rsa, { iss: [one.issuer, other.issuer] }), 0],
    'iss beginning like one': [signed(one.rsa, { iss: `${one.issuer}.attacker.example` }), 0],
    'iss with a path below one': [signed(one.rsa, { iss: `${one.issuer}/../other` }), 0],
    'iss with a slash at its end': [signed(one.rsa, { iss: `${one.issuer}/` }), 0],
    'iss in upper case': [signed(one.rsa, { iss: one.issuer.toUpperCase() }), 0],
    'iss made up': [signed(one.rsa, { iss: 'https://attacker.example' }), 0],
    'iss missing': [signed(one.rsa, { iss: undefined }), 0],
    'iss __proto__': [signed(one.rsa, { iss: '__proto__' }), 0],
    'iss a number': [signed(one.rsa, { iss: 5 }), 0],
    'iss empty': [signed(one.rsa, { iss: '' }), 0],
    'payload no JSON': [jws({ alg: 'RS256', typ: 'at+jwt', kid: one.rsa.kid }, 'iss', one.rsa), 0],
  }).map(([name, [spoilt, keyFetches]]) => ({ name, spoilt, sound, keyFetches }))
}

/** What a verifier with `audience: 'none'` must refuse. `forge` makes tokens with the claim `for` in place of `aud`. */
export function audienceAttacks({ token, audience }: Forge): readonly Attack[] {
  const sound = token()
  return Object.entries({
    'aud of another service': token({ aud: 'imports' }),
    'aud that is ours in other places': token({ aud: audience }),
    'aud none': token({ aud: 'none' }),
    'aud a list of names': token({ aud: ['imports', audience] }),
    'aud an empty text': token({ aud: '' }),
    'aud an object': token({ aud: {} }),
    'aud false': token({ aud: false }),
    'a claim that is not accepted': token({ for: 'imports' }),
    'a claim missing': token({ for: undefined }),
    'a claim that is a list': token({ for: [audience] }),
  }).map(([name, spoilt]): Attack => ({ name, spoilt, sound, keyFetches: 1 }))
}
