import { describe, expect, test } from 'vitest'

import type { TokenVerifier } from '../../src/ports.ts'
import { refusalDetail } from '../../src/refusals.ts'
import type { JwtVerifierOptions } from '../../src/verifiers/jwt-options.ts'
import { createJwtVerifierIn } from '../../src/verifiers/jwt-verifier.ts'
import { createForge, ecSigner, type Forge } from './forge.ts'
import { type IssuersOnline, issuersOnline } from './issuers-online.ts'
import { createTestWorld, type TestWorld } from './runtime.ts'
import { causeOf, stacksOf, verdictOf } from './verdict.ts'

const { signal } = new AbortController()
const startMs = 1_800_000_000_000
const forgeOf = (issuer: string): Forge => createForge(() => startMs, { iss: issuer })
const [acme, globex] = [forgeOf('https://login.example/acme'), forgeOf('https://login.example/globex')]
const both = [acme.issuer, globex.issuer]

interface Scene {
  readonly world: TestWorld
  readonly online: IssuersOnline
  readonly verifier: TokenVerifier
  readonly verdict: (token: string) => Promise<string>
  readonly troubles: readonly (readonly [string, unknown])[]
}

function createScene(
  issuer: JwtVerifierOptions['issuer'],
  online: IssuersOnline = issuersOnline([acme, globex]),
): Scene {
  const world = createTestWorld(startMs)
  const verifier = createJwtVerifierIn(world, {
    issuer,
    audience: acme.audience,
    type: 'at+jwt',
    cacheMs: 0,
    fetch: online.fetch,
  })
  const troubles: (readonly [string, unknown])[] = []
  verifier.onTrouble?.((code, cause) => troubles.push([code, cause]))
  return { world, online, verifier, troubles, verdict: (token) => verdictOf(verifier.verify(token, signal)) }
}

const messagesOf = (error: unknown): string =>
  error instanceof AggregateError
    ? error.errors.map(messagesOf).join('; ')
    : error instanceof Error
      ? `${error.message} ${messagesOf(error.cause)}`
      : ''

describe.each<[string, JwtVerifierOptions['issuer']]>([
  ['a list', both],
  ['a function', (issuer) => both.includes(issuer)],
])('several issuers, by %s', (_, issuer) => {
  test('each with keys of its own, fetched once for its first token', async () => {
    const { online, verifier } = createScene(issuer)
    const tokens = [acme.token(), globex.token(), acme.token(), globex.token()]
    const principals = []
    for (const token of tokens) principals.push(await verifier.verify(token, signal))
    expect(principals.map((principal) => principal.issuer)).toEqual([...both, ...both])
    expect(online.asked).toEqual(
      both.flatMap((name) => [`${name}/.well-known/openid-configuration`, `${name}/keys`]),
    )
  })

  test('of which one is down', async () => {
    const { online, verdict } = createScene(issuer, issuersOnline([acme]))
    expect(await verdict(acme.token())).toBe('user-1')
    expect(await verdict(globex.token())).toBe('unavailable')
    const asked = online.asked.length
    expect(await verdict(globex.token())).toBe('unavailable') // within the pause: not asked again
    expect(online.asked.length).toBe(asked)
    expect(await verdict(acme.token())).toBe('user-1')
  })

  test('of which one has changed its keys', async () => {
    const { world, online, verdict } = createScene(issuer)
    await verdict(acme.token())
    await verdict(globex.token())
    world.pass(30_000)
    online.asked.length = 0
    const next = ecSigner('next')
    online.publish(acme.issuer, { keys: [next.jwk] })
    expect(await verdict(acme.token({}, {}, next))).toBe('user-1')
    expect(online.asked.filter((url) => !url.startsWith(acme.issuer))).toEqual([])
    expect(await verdict(acme.token())).toBe('token_invalid')
    expect(await verdict(globex.token({}, {}, next))).toBe('token_invalid')
    expect(await verdict(globex.token())).toBe('user-1')
  })

  test("of which one publishes the other's metadata", async () => {
    const online = issuersOnline([acme, globex])
    online.pages.set(`${acme.issuer}/.well-known/openid-configuration`, {
      issuer: globex.issuer,
      jwks_uri: `${globex.issuer}/keys`,
    })
    const { verdict } = createScene(issuer, online)
    expect(await verdict(acme.token({}, {}, globex.rsa))).toBe('unavailable')
    expect(online.asked).not.toContain(`${globex.issuer}/keys`)
  })

  test('of which one has stale keys, which the trouble names', async () => {
    const { world, online, verdict, troubles } = createScene(issuer)
    await verdict(acme.token())
    online.pages.clear()
    world.pass(600_000)
    expect(await verdict(acme.token())).toBe('user-1')
    expect(troubles.map(([code, cause]) => `${code} ${messagesOf(cause)}`)[0]).toMatch(
      `keys_not_refreshed of the issuer "${acme.issuer}"`,
    )
  })
})

describe('ready', () => {
  test('with a list resolves when the keys of one issuer are known', async () => {
    const { verifier } = createScene(both, issuersOnline([globex]))
    expect(await verifier.ready?.(signal)).toBeUndefined()
  })

  test('with a list rejects when no issuer has keys, with every cause', async () => {
    const { verifier } = createScene(both, issuersOnline([]))
    const failure: unknown = await verifier.ready?.(signal).catch((error: unknown) => error)
    expect(messagesOf(failure)).toContain(`${acme.issuer}/.well-known/openid-configuration`)
    expect(messagesOf(failure)).toContain(`${globex.issuer}/.well-known/openid-configuration`)
  })

  test('with a function resolves at once, for no issuer is known yet', async () => {
    const { verifier, online } = createScene(() => true)
    expect(await verifier.ready?.(signal)).toBeUndefined()
    expect(online.asked).toEqual([])
  })
})

describe('the function', () => {
  test('is asked before anything is fetched, also for a known issuer', async () => {
    const asked: string[] = []
    let isCustomer = true
    const { online, verdict } = createScene((name) => {
      asked.push(name)
      return isCustomer
    })
    expect(await verdict(acme.token())).toBe('user-1')
    isCustomer = false
    online.asked.length = 0
    expect(await verdict(acme.token())).toBe('token_invalid')
    expect(asked).toEqual([acme.issuer, acme.issuer])
    expect(online.asked).toEqual([])
  })

  test.each<[string, unknown]>([
    ['http elsewhere', 'http://login.example/acme'],
    ['no URL', 'acme'],
    ['a URL with a query', 'https://login.example/acme?tenant=1'],
    ['a URL with credentials', 'https://us:hush@login.example/acme'],
    ['a file', 'file:///etc/passwd'],
    ['a number', 5],
  ])('is not asked about %s', async (_, iss) => {
    let asks = 0
    const { online, verdict } = createScene(() => {
      asks += 1
      return true
    })
    expect(await verdict(acme.token({ iss }))).toBe('token_invalid')
    expect([asks, online.asked]).toEqual([0, []])
  })

  test.each<[string, () => unknown, string]>([
    ['a promise', async () => true, 'threw the option issuer gave an object, no boolean'],
    ['nothing', () => undefined, 'threw the option issuer gave nothing, no boolean'],
    ['a text', () => 'yes', 'threw the option issuer gave a string, no boolean'],
    [
      'a fault',
      () => {
        throw new Error('the table is away')
      },
      'threw the table is away',
    ],
  ])('that gives %s trusts nobody', async (_, isTrusted, verdict) => {
    const scene = createScene(isTrusted as () => boolean)
    expect(await scene.verdict(acme.token())).toMatch(verdict)
    expect(scene.online.asked).toEqual([])
  })

  test('is named in the cause of a refusal', async () => {
    const { verifier } = createScene(() => false)
    expect(await causeOf(verifier.verify(acme.token(), signal))).toBe(
      `"iss" is "${acme.issuer}", which the option issuer does not trust`,
    )
  })
})

describe('a function that trusts names which anybody can make up', () => {
  const signer = ecSigner('ec-1')
  const tokenOf = (name: string): string => acme.token({ iss: `https://login.example/${name}` }, {}, signer)

  test('costs at most 100 look-ups and one a second, and leaves good issuers alone', async () => {
    const { world, online, verifier, verdict } = createScene(() => true)
    expect(await verdict(acme.token())).toBe('user-1')
    online.asked.length = 0
    for (let index = 0; index < 2_000; index += 1)
      expect(await verdict(tokenOf(`made-up-${index}`))).toBe('unavailable')
    expect(online.asked.length).toBe(2 * 100) // two addresses of metadata each
    expect(await verdict(acme.token())).toBe('user-1')
    expect(online.asked.length).toBe(2 * 100)

    const refused: unknown = await verifier.verify(globex.token(), signal).catch((error: unknown) => error)
    expect(refusalDetail(refused)).toMatchObject({ kind: 'unavailable', retryAfterMs: 1_000 })
    expect(stacksOf(refused)).toEqual([
      'Error: unavailable',
      'Error: too many issuers without a verified token were looked up',
    ])
    world.pass(1_000)
    expect(await verdict(globex.token())).toBe('user-1')
  })

  test('does not look up a failing issuer again within its pause', async () => {
    const { world, online, verdict } = createScene(() => true)
    for (let index = 0; index < 50; index += 1) await verdict(tokenOf('down'))
    expect(online.asked.length).toBe(2)
    world.pass(1_000)
    await verdict(tokenOf('down'))
    expect(online.asked.length).toBe(4)
  })

  test('knows 1,000 issuers at a time: the one not seen for longest is looked up again', async () => {
    const { online, verdict } = createScene(() => true)
    const names = Array.from({ length: 1_001 }, (_, index) => `tenant-${index}`)
    for (const name of names) online.publish(`https://login.example/${name}`, { keys: [signer.jwk] })
    const verdicts = new Set<string>()
    for (const name of names) verdicts.add(await verdict(tokenOf(name)))
    expect([...verdicts]).toEqual(['user-1']) // each gave its turn back
    online.asked.length = 0
    expect([await verdict(tokenOf('tenant-1000')), online.asked.length]).toEqual(['user-1', 0])
    expect([await verdict(tokenOf('tenant-0')), online.asked.length]).toEqual(['user-1', 2])
  })
})
