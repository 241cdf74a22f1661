import { generateKeyPairSync } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

import { type Adapter, type AdapterPayload, type JWK, Provider } from 'oidc-provider'

import type { Claims } from '../../src/ports.ts'

/** A real OpenID provider (npm oidc-provider) on 127.0.0.1. `await using` closes it. */
export interface OpenIdProvider extends AsyncDisposable {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /**
   * A token of the client credentials grant.
   *
   * @param resource - {@link asJwt} and the like: its tokens are JWTs; any other has opaque ones
   */
  readonly token: (resource: string) => Promise<string>
  readonly revoke: (token: string) => Promise<void>
  /** Signs with a key of this name from now on, and publishes it beside the named ones that it had. */
  readonly rotate: (kid: string, kept: readonly string[]) => Promise<void>
  /** `METHOD /path` of each request, so far. */
  readonly requests: readonly string[]
}

export const scope = 'exports:download'
export const asJwt = 'https://exports.example/jwt'
export const asJwtForTwo = 'https://exports.example/jwt/two'
export const opaque = 'https://exports.example/opaque'

/** @param claims - added to each JWT, and to each introspection answer */
export async function startOpenIdProvider(claims: Claims): Promise<OpenIdProvider> {
  const requests: string[] = []
  const keys = new Map<string, JWK>()
  const stored = new Map<string, AdapterPayload>()
  let listener: (...exchange: Parameters<RequestListener>) => unknown = (_, response) =>
    response.writeHead(503).end()
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url?.split('?')[0]}`)
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [clientId, clientSecret] = ['machine', 'a-secret-of-the-client-with-enough-characters']

  const createProvider = (kids: readonly string[]): Provider =>
    new Provider(issuer, {
      jwks: { keys: kids.flatMap((kid) => keys.get(kid) ?? []) },
      scopes: [scope],
      adapter: (kind) => adapterOn(stored, kind),
      clients: [
        {
          client_id: clientId,
          client_secret: clientSecret,
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
          id_token_signed_response_alg: 'ES256',
          scope,
        },
      ],
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_ctx, resource) => ({
            scope,
            audience: resource,
            accessTokenTTL: 600,
            accessTokenFormat: resource.startsWith(asJwt) ? 'jwt' : 'opaque',
            ...(resource.startsWith(asJwt) && { jwt: { sign: { alg: 'ES256', kid: kids[0] ?? '' } } }),
          }),
        },
      },
      extraTokenClaims: () => claims,
      formats: {
        customizers: {
          jwt(_ctx, { aud }, { payload }) {
            if (aud === asJwtForTwo) payload['aud'] = ['https://other.example', asJwt]
          },
        },
      },
      ttl: { ClientCredentials: 600 },
    })

  const rotate = async (kid: string, kept: readonly string[]): Promise<void> => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    keys.set(kid, { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' })
    listener = createProvider([kid, ...kept]).callback()
  }
  const post = async (path: string, form: Readonly<Record<string, string>>): Promise<Response> => {
    const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
    const response = await fetch(issuer + path, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}` },
      body: new URLSearchParams(form),
    })
    if (response.ok) return response
    throw new Error(`${path}: ${response.status} ${await response.text()}`)
  }
  await rotate('first', [])
  return {
    issuer,
    clientId,
    clientSecret,
    requests,
    rotate,
    async token(resource) {
      const response = await post('/token', { grant_type: 'client_credentials', scope, resource })
      const answer: unknown = await response.json()
      return String((answer as Claims)['access_token'])
    },
    async revoke(token) {
      await post('/token/revocation', { token })
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What the provider remembers, in memory. A rotation makes a new provider, which must know the tokens of the old one. */
const adapterOn = (stored: Map<string, AdapterPayload>, kind: string): Adapter => ({
  async upsert(id, payload) {
    stored.set(`${kind} ${id}`, payload)
  },
  find: async (id) => stored.get(`${kind} ${id}`),
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  consume: async () => undefined,
  async destroy(id) {
    stored.delete(`${kind} ${id}`)
  },
  revokeByGrantId: async () => undefined,
})
