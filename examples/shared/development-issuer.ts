import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { createTestIssuer } from '@sallyport/core/testing'

import type { Identity } from './environment.ts'

/** An authorization server for development, in this process, on a loopback port of its own. */
export interface DevelopmentIssuer {
  readonly identity: Identity
  readonly jwt: string
  readonly opaque: string
}

const lifetimeSeconds = 43_200
const audience = 'exports'

/**
 * Starts one. Its keys, its client's secret and its tokens are random at every start; both tokens prove the given
 * organizations and the scope for 12 hours.
 */
export async function startDevelopmentIssuer(
  organizations: readonly string[],
  scope: string,
): Promise<DevelopmentIssuer> {
  const signer = await createTestIssuer()
  const opaque = randomBytes(24).toString('base64url')
  const clientSecret = randomBytes(24).toString('base64url')
  const credentials = `Basic ${Buffer.from(`exports:${clientSecret}`).toString('base64')}`

  const server = createServer((request, response) => {
    const answer = (status: number, value: unknown): unknown =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
    reply(request).then(
      (value) => answer(value === undefined ? 404 : 200, value ?? {}),
      () => answer(400, {}),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const iat = Math.floor(Date.now() / 1_000)
  const claims = {
    iss: issuer,
    aud: audience,
    org: organizations,
    scope,
    iat,
    exp: iat + lifetimeSeconds,
  }

  const metadata = {
    issuer,
    jwks_uri: `${issuer}/keys`,
    introspection_endpoint: `${issuer}/introspect`,
  }

  async function reply(request: IncomingMessage): Promise<unknown> {
    if (request.method === 'GET' && request.url === '/keys') return signer.jwks
    if (request.method === 'GET' && request.url === '/.well-known/openid-configuration') return metadata
    if (request.method !== 'POST' || request.url !== '/introspect') return undefined
    if (!same(request.headers.authorization ?? '', credentials)) return undefined
    const asked = new URLSearchParams(await text(request)).get('token') ?? ''
    return same(asked, opaque) ? { active: true, sub: 'developer-opaque', ...claims } : { active: false }
  }

  return {
    identity: {
      issuer,
      audience,
      jwks: new URL(metadata.jwks_uri),
      introspection: {
        endpoint: new URL(metadata.introspection_endpoint),
        clientId: 'exports',
        clientSecret,
      },
    },
    jwt: await signer.token({ ...claims, sub: 'developer' }),
    opaque,
  }
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
