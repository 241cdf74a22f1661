import { describe, expect, test } from 'vitest'

import type { Claims, TokenVerifier } from '../../src/ports.ts'
import { isDiscoverable, metadataAddresses } from '../../src/verifiers/discovery.ts'
import type { IntrospectionVerifierOptions } from '../../src/verifiers/introspection-options.ts'
import { createIntrospectionVerifierIn } from '../../src/verifiers/introspection-verifier.ts'
import { createJwtVerifierIn } from '../../src/verifiers/jwt-verifier.ts'
import { createForge, type Forge } from './forge.ts'
import { createTestWorld, type TestWorld } from './runtime.ts'
import { serve, type TestServer } from './serve.ts'
import { causeOf, verdictOf } from './verdict.ts'

const MINUTE = 60_000
const { signal } = new AbortController()
const OPENID = '/.well-known/openid-configuration'
const OAUTH = '/.well-known/oauth-authorization-server'

/** Answers by path; `undefined`: 404. A string is sent as it is. */
type Pages = Readonly<Record<string, unknown>>

const show = (server: TestServer, pages: Pages): void =>
  server.answer(({ url = '' }, response) => {
    const page = pages[url]
    response.writeHead(page === undefined ? 404 : 200)
    response.end(typeof page === 'string' ? page : JSON.stringify(page))
  })

const originOf = ({ url }: TestServer): string => url.origin
const pathsOf = ({ requests }: TestServer): readonly string[] => requests.map(({ path }) => path)

describe('the addresses of metadata', () => {
  test.each([
    ['https://login.example', `https://login.example${OPENID}`, `https://login.example${OAUTH}`],
    ['https://login.example/', `https://login.example${OPENID}`, `https://login.example${OAUTH}`],
    [
      'https://login.example:8443/realms/one',
      `https://login.example:8443/realms/one${OPENID}`,
      `https://login.example:8443${OAUTH}/realms/one`,
    ],
    [
      'https://login.example/t/v2.0/',
      `https://login.example/t/v2.0${OPENID}`,
      `https://login.example${OAUTH}/t/v2.0`,
    ],
  ])('of %s', (issuer, openid, oauth) => {
    expect(metadataAddresses(issuer)).toEqual([openid, oauth])
  })

  test.each([
    ['https://login.example/a', true],
    ['http://127.0.0.1:8080', true],
    ['http://localhost/realms/one', true],
    ['http://login.example', false],
    ['http://localhost.example', false],
    ['login.example', false],
    ['exports', false],
    ['urn:issuer', false],
    ['https://login.example/?a', false],
    ['https://login.example/#', false],
    ['https://us:hush@login.example/', false],
  ])('%s can have one: %s', (issuer, expected) => {
    expect(isDiscoverable(issuer)).toBe(expected)
  })
})

/** An issuer that publishes its metadata and keys on one server. */
interface Scene extends AsyncDisposable {
  readonly world: TestWorld
  readonly server: TestServer
  readonly issuer: string
  readonly verifier: TokenVerifier
  readonly troubles: readonly string[]
  readonly token: () => string
  readonly verdict: () => Promise<string>
  readonly cause: () => Promise<string>
  readonly forge: Forge
}

async function createScene({ path = '', deadlineMs = 5_000 } = {}): Promise<Scene> {
  const world = createTestWorld(undefined, deadlineMs)
  const forge = createForge(world.now)
  const server = await serve({ status: 404 })
  const issuer = originOf(server) + path
  const { audience } = forge
  const verifier = createJwtVerifierIn(world, { issuer, audience, type: 'at+jwt', cacheMs: 0 })
  const troubles: string[] = []
  verifier.onTrouble?.((code) => troubles.push(code))
  const token = (): string => forge.token({ iss: issuer })
  return {
    world,
    server,
    issuer,
    verifier,
    troubles,
    token,
    forge,
    verdict: () => verdictOf(verifier.verify(token(), signal)),
    cause: () => causeOf(verifier.verify(token(), signal)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describe('keys', () => {
  test.each([
    ['', OPENID],
    ['/', OPENID],
    ['/realms/one', `/realms/one${OPENID}`],
    ['/realms/one/', `/realms/one${OPENID}`],
  ])('of an issuer with the path %j are found by OpenID Connect Discovery', async (path, metadata) => {
    await using scene = await createScene({ path })
    const { server, issuer, forge } = scene
    show(server, { [metadata]: { issuer, jwks_uri: `${originOf(server)}/keys` }, '/keys': forge.jwks })
    expect(pathsOf(server)).toEqual([])
    expect(await Promise.all(Array.from({ length: 20 }, scene.verdict))).toEqual(
      Array.from({ length: 20 }, () => 'user-1'),
    )
    expect(pathsOf(server)).toEqual([metadata, '/keys'])
  })

  test.each<[string, (issuer: string) => Pages]>([
    ['there is no other document', () => ({})],
    ['the other document names no keys', (issuer) => ({ [`/a${OPENID}`]: { issuer } })],
    ['the other document is no JSON', () => ({ [`/a${OPENID}`]: '<html>' })],
  ])('are found by RFC 8414 where %s', async (_, others) => {
    await using scene = await createScene({ path: '/a' })
    const { server, issuer, forge } = scene
    show(server, {
      ...others(issuer),
      [`${OAUTH}/a`]: { issuer, jwks_uri: `${originOf(server)}/keys` },
      '/keys': forge.jwks,
    })
    expect(await scene.verdict()).toBe('user-1')
    expect(pathsOf(server)).toEqual([`/a${OPENID}`, `${OAUTH}/a`, '/keys'])
  })

  test.each<[string, (origin: string) => unknown, string]>([
    [
      'is of another issuer',
      (origin) => ({ issuer: 'https://b.example', jwks_uri: `${origin}/keys` }),
      'has "issuer" "https://b.example", not "http://127.0.0.1:',
    ],
    [
      'differs by a slash',
      (origin) => ({ issuer: `${origin}/`, jwks_uri: `${origin}/keys` }),
      '/", not "http://127.0.0.1:',
    ],
    [
      'differs by its case',
      (origin) => ({ issuer: origin.toUpperCase(), jwks_uri: `${origin}/keys` }),
      'has "issuer" "HTTP:',
    ],
    ['names no issuer', (origin) => ({ jwks_uri: `${origin}/keys` }), 'has "issuer" missing, not'],
    ['names no keys', (issuer) => ({ issuer }), '"jwks_uri" is missing, no URL'],
    ['names a path', (issuer) => ({ issuer, jwks_uri: '/keys' }), '"jwks_uri" is "/keys", no URL'],
    ['names a list', (issuer) => ({ issuer, jwks_uri: [`${issuer}/keys`] }), 'no URL'],
    [
      'names http elsewhere',
      (issuer) => ({ issuer, jwks_uri: 'http://keys.example/' }),
      '"jwks_uri" is "http://keys.example", not https',
    ],
    ['names a file', (issuer) => ({ issuer, jwks_uri: 'file:///etc/keys' }), 'not https'],
    [
      'names credentials',
      (issuer) => ({ issuer, jwks_uri: issuer.replace('//', '//us:hush@') }),
      '"jwks_uri" has credentials',
    ],
    ['is a list', () => [], 'the document is no JSON object'],
    ['is no JSON', () => '<html>', 'the answer is no JSON'],
    ['is longer than 64 KiB', (issuer) => ({ issuer, pad: 'x'.repeat(65_536) }), 'longer than 65536 bytes'],
  ])('are unavailable where the metadata %s', async (_, page, says) => {
    await using scene = await createScene()
    const { server, issuer, forge } = scene
    show(server, { [OPENID]: page(issuer), [OAUTH]: page(issuer), '/keys': forge.jwks })
    expect(await scene.verdict()).toBe('unavailable')
    expect(pathsOf(server)).toEqual([OPENID, OAUTH])
    const cause = await scene.cause()
    expect(cause).toContain(`no "jwks_uri" of the issuer was found: ${issuer}${OPENID}: `)
    expect(cause).toContain(says)
    expect(cause).not.toContain('hush')
  })

  test('are unavailable where the metadata are a redirect, which is not followed', async () => {
    await using scene = await createScene()
    scene.server.answer((_, response) => response.writeHead(302, { location: '/elsewhere' }).end())
    expect(await scene.cause()).toContain('the answer has status 302, not 200')
    expect(pathsOf(scene.server)).toEqual([OPENID, OAUTH])
  })

  test('are found within one deadline, their address too', async () => {
    await using scene = await createScene({ deadlineMs: 250 })
    scene.server.answer(() => undefined)
    expect(await scene.cause()).toBe('no answer within 250 ms')
    await scene.server.ended(1)
    expect(pathsOf(scene.server)).toEqual([OPENID])
  })

  test('are not looked for by every request while the metadata cannot be had', async () => {
    await using scene = await createScene()
    const { server, issuer, world, forge } = scene
    expect(await scene.verdict()).toBe('unavailable')
    expect(await scene.verdict()).toBe('unavailable')
    expect(pathsOf(server)).toHaveLength(2)
    show(server, { [OPENID]: { issuer, jwks_uri: `${originOf(server)}/keys` }, '/keys': forge.jwks })
    world.pass(750)
    expect(await scene.verdict()).toBe('user-1')
    expect(pathsOf(server)).toHaveLength(4)
  })

  test('are followed to another address', async () => {
    await using scene = await createScene()
    const { server, issuer, world, forge } = scene
    show(server, { [OPENID]: { issuer, jwks_uri: `${originOf(server)}/old` }, '/old': forge.jwks })
    expect(await scene.verdict()).toBe('user-1')
    show(server, { [OPENID]: { issuer, jwks_uri: `${originOf(server)}/new` }, '/new': forge.jwks })
    world.pass(10 * MINUTE)
    expect(await scene.verdict()).toBe('user-1')
    expect(pathsOf(server)).toEqual([OPENID, '/old', OPENID, '/new'])
  })

  test('are used past their age while the metadata cannot be had', async () => {
    await using scene = await createScene()
    const { server, issuer, world, forge } = scene
    show(server, { [OPENID]: { issuer, jwks_uri: `${originOf(server)}/keys` }, '/keys': forge.jwks })
    expect(await scene.verdict()).toBe('user-1')
    show(server, { '/keys': forge.jwks })
    world.pass(25 * MINUTE - 1)
    expect(await scene.verdict()).toBe('user-1')
    expect(scene.troubles).toEqual(['keys_not_refreshed', 'keys_stale'])
    world.pass(MINUTE)
    expect(await scene.verdict()).toBe('unavailable')
  })

  test('make the verifier ready', async () => {
    await using scene = await createScene()
    const { server, issuer, world, forge, verifier } = scene
    await expect(verifier.ready?.(signal)).rejects.toThrow('no "jwks_uri" of the issuer was found')
    show(server, { [OPENID]: { issuer, jwks_uri: `${originOf(server)}/keys` }, '/keys': forge.jwks })
    world.pass(1_000)
    await expect(verifier.ready?.(signal)).resolves.toBeUndefined()
  })
})

describe('an issuer that is not on this machine', () => {
  const issuer = 'https://login.example'
  const forge = createForge()

  /** A verifier whose requests are answered from a table, and what was asked. */
  const onPages = (
    pages: Pages,
  ): { verdict: () => Promise<string>; cause: () => Promise<string>; asked: string[] } => {
    const asked: string[] = []
    const { verify } = createJwtVerifierIn(createTestWorld(Date.now()), {
      issuer,
      audience: forge.audience,
      type: 'at+jwt',
      fetch: async (url) => {
        const { url: address } = new Request(url)
        asked.push(address)
        const page = pages[address]
        return page === undefined ? new Response('', { status: 404 }) : Response.json(page)
      },
    })
    const token = forge.token({ iss: issuer })
    return {
      asked,
      verdict: () => verdictOf(verify(token, signal)),
      cause: () => causeOf(verify(token, signal)),
    }
  }

  test('may publish its keys on another https host', async () => {
    const { asked, verdict } = onPages({
      [issuer + OPENID]: { issuer, jwks_uri: 'https://keys.example/v3/certs' },
      'https://keys.example/v3/certs': forge.jwks,
    })
    expect(await verdict()).toBe('user-1')
    expect(asked).toEqual([issuer + OPENID, 'https://keys.example/v3/certs'])
  })

  test.each(['http://127.0.0.1:8080/keys', 'http://localhost/keys', 'http://[::1]/keys'])(
    'cannot make us ask this machine: %s',
    async (url) => {
      const { asked, verdict, cause } = onPages({
        [issuer + OPENID]: { issuer, jwks_uri: url },
        [url]: forge.jwks,
      })
      expect(await verdict()).toBe('unavailable')
      expect(asked).toEqual([issuer + OPENID, issuer + OAUTH])
      expect(await cause()).toContain('not https')
    },
  )
})

describe('the introspection endpoint', () => {
  const opaque = 'an-opaque-token-of-some-length'
  const options = { clientId: 'exports', clientSecret: 'secret', audience: 'exports', cacheMs: 0 }
  const active = (issuer: string): Claims => ({ active: true, sub: 'user-1', iss: issuer, aud: 'exports' })

  const verifierOf = (
    server: TestServer,
    world: TestWorld,
    changes: Partial<IntrospectionVerifierOptions> = {},
  ): TokenVerifier =>
    createIntrospectionVerifierIn(world, { ...options, issuer: originOf(server), ...changes })

  test('is looked up once, and refreshed after 10 minutes', async () => {
    await using server = await serve({})
    const [world, issuer] = [createTestWorld(), originOf(server)]
    const { verify } = verifierOf(server, world)
    show(server, { [OPENID]: { issuer, introspection_endpoint: `${issuer}/one` }, '/one': active(issuer) })
    for (const nth of [1, 2, 3]) expect(await verdictOf(verify(opaque + nth, signal))).toBe('user-1')
    expect(pathsOf(server)).toEqual([OPENID, '/one', '/one', '/one'])
    show(server, { [OPENID]: { issuer, introspection_endpoint: `${issuer}/two` }, '/two': active(issuer) })
    world.pass(10 * MINUTE)
    expect(await verdictOf(verify(opaque, signal))).toBe('user-1')
    expect(pathsOf(server).slice(4)).toEqual([OPENID, '/two'])
  })

  test('is used for 15 minutes past its age while the metadata cannot be had', async () => {
    await using server = await serve({})
    const [world, issuer] = [createTestWorld(), originOf(server)]
    const { verify } = verifierOf(server, world)
    show(server, { [OPENID]: { issuer, introspection_endpoint: `${issuer}/one` }, '/one': active(issuer) })
    expect(await verdictOf(verify(opaque, signal))).toBe('user-1')
    show(server, { '/one': active(issuer) })
    world.pass(25 * MINUTE - 1)
    expect(await verdictOf(verify(opaque, signal))).toBe('user-1')
    world.pass(MINUTE)
    expect(await verdictOf(verify(opaque, signal))).toBe('unavailable')
  })

  test('of another origin is sent neither token nor secret', async () => {
    await using elsewhere = await serve({ body: {} })
    await using server = await serve({})
    const issuer = originOf(server)
    const { verify } = verifierOf(server, createTestWorld())
    show(server, { [OPENID]: { issuer, introspection_endpoint: elsewhere.url.href } })
    expect(await verdictOf(verify(opaque, signal))).toBe('unavailable')
    expect(await causeOf(verify(opaque, signal))).toContain(
      `"introspection_endpoint" is at "${originOf(elsewhere)}", not at the issuer's "${issuer}"`,
    )
    expect(elsewhere.requests).toEqual([])
  })

  test('of another origin may be configured', async () => {
    await using elsewhere = await serve({ body: { active: true, sub: 'user-1', aud: 'exports' } })
    await using server = await serve({})
    const { verify } = verifierOf(server, createTestWorld(), { endpoint: elsewhere.url })
    expect(await verdictOf(verify(opaque, signal))).toBe('user-1')
    expect(server.requests).toEqual([])
  })

  test('makes the verifier ready', async () => {
    await using server = await serve({})
    const [world, issuer] = [createTestWorld(), originOf(server)]
    const { ready } = verifierOf(server, world)
    show(server, {})
    await expect(ready?.(signal)).rejects.toThrow('no "introspection_endpoint" of the issuer was found')
    show(server, { [OPENID]: { issuer, introspection_endpoint: `${issuer}/one` } })
    world.pass(1_000)
    await expect(ready?.(signal)).resolves.toBeUndefined()
  })
})

describe('fetch', () => {
  test('sends every request of a verifier, with a signal and without following redirects', async () => {
    const seen: unknown[] = []
    const issuer = 'https://login.example'
    const opaque = createIntrospectionVerifierIn(createTestWorld(), {
      issuer,
      audience: 'exports',
      clientId: 'us',
      clientSecret: 'secret',
      fetch: async (url, { method, redirect, signal } = {}) => {
        seen.push([url, method, redirect, signal instanceof AbortSignal])
        return Response.json(
          new Request(url).url.endsWith(OPENID)
            ? { issuer, introspection_endpoint: `${issuer}/ask` }
            : { active: true, sub: 'user-1', aud: 'exports' },
        )
      },
    })
    expect(await verdictOf(opaque.verify('an-opaque-token', signal))).toBe('user-1')
    expect(seen).toEqual([
      [`${issuer}${OPENID}`, 'GET', 'manual', true],
      [`${issuer}/ask`, 'POST', 'manual', true],
    ])
  })

  test.each<[string, typeof fetch, string]>([
    [
      'rejects',
      async () => {
        throw new Error('the proxy is away')
      },
      'no answer from https://login.example: the proxy is away',
    ],
    ['never answers', () => new Promise(() => undefined), 'no answer within 250 ms'],
  ])('that %s is 503', async (_, fetch, says) => {
    const { verify } = createJwtVerifierIn(createTestWorld(undefined, 250), {
      issuer: 'https://login.example',
      audience: 'exports',
      jwks: new URL('https://login.example/keys'),
      type: 'any',
      fetch,
    })
    const { token } = createForge()
    expect(await verdictOf(verify(token(), signal))).toBe('unavailable')
    expect(await causeOf(verify(token(), signal))).toBe(says)
  })
})
