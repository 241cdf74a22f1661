import type { Behaviours } from '../../../../scripts/test-options.ts'
import type {
  BearerVerifierOptions,
  IntrospectionVerifierOptions,
  JwtVerifierOptions,
} from '../../src/index.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { Claims, Principal, TokenVerifier } from '../../src/ports.ts'
import { createBearerVerifier } from '../../src/verifiers/bearer-verifier.ts'
import { createIntrospectionVerifierIn } from '../../src/verifiers/introspection-verifier.ts'
import { createJwtVerifierIn } from '../../src/verifiers/jwt-verifier.ts'
import { principalOf } from '../handler/scene.ts'
import { createForge, edSigner } from '../verifiers/forge.ts'
import { createTestWorld, type TestWorld } from '../verifiers/runtime.ts'
import { serve } from '../verifiers/serve.ts'
import { verdictOf } from '../verifiers/verdict.ts'

const { signal } = new AbortController()
const startMs = 1_800_000_000_000
const minute = 60_000
const hour = 60 * minute

// ── createJwtVerifier ────────────────────────────────────────────────────────────────────────────────────────────────

const forge = createForge(() => startMs)
const ed = edSigner('ed-1')
const jwks = { keys: [...forge.jwks.keys, ed.jwk] }
/** The options that must be given, and no other. */
export const soundJwtOptions: JwtVerifierOptions = {
  issuer: forge.issuer,
  audience: forge.audience,
  type: 'at+jwt',
}
type Jwt = Partial<JwtVerifierOptions>
const jwtVerifierOf = (changes: Jwt, world: TestWorld = createTestWorld(startMs)): TokenVerifier =>
  createJwtVerifierIn(world, { ...soundJwtOptions, jwks, ...changes })

/** A `fetch` that answers by the URL, and what it was asked for. */
function answering(answers: Readonly<Record<string, unknown>>): {
  readonly fetch: typeof fetch
  readonly asked: readonly string[]
} {
  const asked: string[] = []
  return {
    asked,
    fetch: async (input) => {
      const url = input instanceof Request ? input.url : String(input)
      asked.push(url)
      return url in answers ? Response.json(answers[url]) : new Response('', { status: 404 })
    },
  }
}
const verdictsOf = (changes: Jwt, tokens: readonly string[]): Promise<readonly string[]> => {
  const verifier = jwtVerifierOf(changes)
  return Promise.all(tokens.map((token) => verdictOf(verifier.verify(token, signal))))
}
/** A good token that is as long as this, or at most four characters shorter: three bytes are four characters. */
const tokenOf = (length: number): string => {
  const shortest = forge.token({ pad: '' }).length
  return forge.token({ pad: 'x'.repeat(Math.floor(((length - shortest) * 3) / 4)) })
}
const [yes, no, unknown] = ['user-1', 'token_invalid', 'unavailable']
const secondsAgo = (ms: number): number => (startMs - ms) / 1_000
/** Reads the claims of one token at these times, in ms; gives how often they were read. */
const countReads =
  (
    create: (changes: { readonly readClaims: () => Pick<Principal, 'organizations' | 'capabilities'> }) => {
      readonly world: TestWorld
      readonly verify: () => Promise<unknown>
    },
  ) =>
  async (steps: readonly number[]): Promise<number> => {
    let reads = 0
    const { world, verify } = create({
      readClaims: () => {
        reads += 1
        return { organizations: [], capabilities: [] }
      },
    })
    for (const step of steps) {
      world.pass(step)
      await verify()
    }
    return reads
  }
const onlyClientOne = ({ client_id: id }: Claims): boolean => id === 'client-1'
const rights = ({ organizations, capabilities }: Principal): object => ({ organizations, capabilities })
const others = { organizations: ['globex'], capabilities: ['everything'] }

export const jwtBehaviours: Behaviours<JwtVerifierOptions> = {
  issuer: {
    see: (changes) => verdictsOf(changes, [forge.token(), forge.token({ iss: 'https://another.example' })]),
    before: [yes, no],
    after: [[{ issuer: 'https://another.example' }, [no, yes]]],
  },
  audience: {
    see: (changes) => verdictsOf(changes, [forge.token(), forge.token({ aud: 'imports' })]),
    before: [yes, no],
    after: [
      [{ audience: 'imports' }, [no, yes]],
      [{ audience: ['exports', 'imports'] }, [yes, yes]],
    ],
  },
  accept: {
    see: (changes) =>
      verdictsOf(changes, [
        forge.token(),
        ...['client-1', 'client-2'].map((id) => forge.token({ aud: undefined, client_id: id })),
      ]),
    before: [yes, no, no],
    after: [[{ audience: 'none', accept: onlyClientOne }, [no, yes, no]]],
  },
  jwks: {
    see: async (changes) => {
      const metadata = `${forge.issuer}/.well-known/openid-configuration`
      const { fetch, asked } = answering({
        [metadata]: { issuer: forge.issuer, jwks_uri: `${forge.issuer}/keys` },
        [`${forge.issuer}/keys`]: jwks,
        [`${forge.issuer}/others`]: createForge().jwks,
      })
      const { verify } = createJwtVerifierIn(createTestWorld(startMs), {
        ...soundJwtOptions,
        fetch,
        ...changes,
      })
      const verdict = await verdictOf(verify(forge.token(), signal))
      return [verdict, asked.map((url) => url.replace(forge.issuer, ''))]
    },
    before: [yes, ['/.well-known/openid-configuration', '/keys']],
    after: [
      [{ jwks: new URL(`${forge.issuer}/keys`) }, [yes, ['/keys']]],
      [{ jwks: new URL(`${forge.issuer}/others`) }, [no, ['/others']]],
      [{ jwks }, [yes, []]],
      [{ jwks: createForge().jwks }, [no, []]],
    ],
  },
  type: {
    see: (changes) =>
      verdictsOf(changes, [
        forge.token(),
        forge.token({}, { typ: 'JWT' }),
        forge.token({ scope: undefined }, { typ: 'JWT' }),
      ]),
    before: [yes, no, no],
    after: [
      [{ type: 'JWT' }, [no, yes, no]],
      [{ type: 'any' }, [yes, yes, yes]],
    ],
  },
  algorithms: {
    see: (changes) =>
      verdictsOf(
        changes,
        [forge.rsa, forge.ec, ed].map((signer) => forge.token({}, {}, signer)),
      ),
    before: [yes, yes, yes],
    after: [[{ algorithms: ['EdDSA'] }, [no, no, yes]]],
  },
  clockToleranceMs: {
    see: (changes) =>
      verdictsOf(
        changes,
        [0, 29_000, 31_000].map((ms) => forge.token({ exp: secondsAgo(ms - 1_000) - 1 })),
      ),
    before: [yes, yes, no],
    after: [
      [{ clockToleranceMs: 0 }, [no, no, no]],
      [{ clockToleranceMs: 60_000 }, [yes, yes, yes]],
    ],
  },
  maxTokenAgeMs: {
    see: (changes) =>
      verdictsOf(
        changes,
        [2, 23, 25].map((hours) => forge.token({ iat: secondsAgo(hours * hour), exp: secondsAgo(-hour) })),
      ),
    before: [yes, yes, no],
    after: [[{ maxTokenAgeMs: hour }, [no, no, no]]],
  },
  cacheMs: {
    see: (changes) =>
      countReads((readClaims) => {
        const world = createTestWorld(startMs)
        const { verify } = jwtVerifierOf({ ...changes, ...readClaims }, world)
        return { world, verify: () => verify(forge.token(), signal) }
      })([0, 59_999, 1]),
    before: 2,
    after: [
      [{ cacheMs: 0 }, 3],
      [{ cacheMs: 1_000 }, 2],
    ],
  },
  staleKeysMs: {
    // The keys can be had once, and never again.
    see: async (changes) => {
      await using server = await serve({ body: forge.jwks })
      const world = createTestWorld(startMs)
      const { verify } = jwtVerifierOf({ jwks: server.url, cacheMs: 0, ...changes }, world)
      const later = createForge(world.now)
      const verdicts: string[] = []
      for (const step of [0, 9 * minute, 15 * minute, 2 * minute]) {
        world.pass(step)
        verdicts.push(await verdictOf(verify(later.token({}, {}, forge.rsa), signal)))
        server.answer({ status: 500 })
      }
      return verdicts
    },
    before: [yes, yes, yes, unknown],
    after: [[{ staleKeysMs: 0 }, [yes, yes, unknown, unknown]]],
  },
  readClaims: {
    see: async (changes) => rights(await jwtVerifierOf(changes).verify(forge.token(), signal)),
    before: { organizations: ['acme', 'globex'], capabilities: ['exports:download', 'openid'] },
    after: [[{ readClaims: () => others }, others]],
  },
  subject: {
    see: (changes) =>
      verdictsOf(changes, [
        forge.token({ client_id: 'client-1', azp: 'party-1' }),
        forge.token({ sub: undefined, client_id: 'client-1', azp: 'party-1' }),
        forge.token({ sub: undefined, azp: 'party-1' }),
        forge.token({ sub: undefined }),
      ]),
    before: [yes, 'client-1', 'party-1', no],
    after: [
      [
        { subject: ({ azp }) => `app ${String(azp)}` },
        ['app party-1', 'app party-1', 'app party-1', 'app undefined'],
      ],
      [{ subject: () => undefined }, [no, no, no, no]],
    ],
  },
  maxTokenLength: {
    see: (changes) =>
      verdictsOf(
        changes,
        [8_192, 8_200, 10_100].map((length) => tokenOf(length)),
      ),
    before: [yes, no, no],
    after: [
      [{ maxTokenLength: 8_187 }, [no, no, no]],
      [{ maxTokenLength: 10_000 }, [yes, yes, no]],
    ],
  },
  fetch: {
    see: async (changes) => {
      await using server = await serve({ body: jwks })
      const { verify } = jwtVerifierOf({ jwks: server.url, ...changes })
      return [await verdictOf(verify(forge.token(), signal)), server.requests.length]
    },
    before: [yes, 1],
    after: [[{ fetch: async () => Response.json(jwks) }, [yes, 0]]],
  },
}

// ── createIntrospectionVerifier ──────────────────────────────────────────────────────────────────────────────────────

const opaque = 'an-opaque-token-of-some-length'
const active: Claims = {
  active: true,
  aud: 'exports',
  sub: 'user-1',
  token_type: 'Bearer',
  org: 'acme',
  scope: 'exports:download',
  exp: startMs / 1_000 + 600,
}
/** The options that must be given, and no other. */
export const soundIntrospectionOptions: IntrospectionVerifierOptions = {
  clientId: 'exports',
  clientSecret: 'secret',
  issuer: 'https://issuer.test',
  audience: 'exports',
}
type Introspection = Partial<IntrospectionVerifierOptions>
/** Verifies one token at these times, in ms; gives the server's requests and the last principal or refusal. */
async function introspected(
  changes: Introspection,
  answer: Claims = active,
  steps: readonly number[] = [0],
  token: string = opaque,
): Promise<{
  /** The credentials of each request. */
  readonly requests: readonly string[]
  readonly verdict: string
  readonly principal: Principal | undefined
}> {
  await using server = await serve({ body: answer })
  const world = createTestWorld(startMs)
  const endpoint = new URL(changes.endpoint?.pathname ?? '/introspect', server.url)
  const { verify } = createIntrospectionVerifierIn(world, {
    ...soundIntrospectionOptions,
    ...changes,
    endpoint,
  })
  const verdicts: string[] = []
  let principal: Principal | undefined
  for (const step of steps) {
    world.pass(step)
    const verification = verify(token, signal).then((proved) => (principal = proved))
    verdicts.push(await verdictOf(verification))
  }
  return {
    requests: server.requests.map(({ headers }) =>
      Buffer.from(headers.authorization?.split(' ')[1] ?? '', 'base64').toString(),
    ),
    verdict: verdicts.at(-1) ?? '',
    principal,
  }
}
const credentials = async (changes: Introspection): Promise<unknown> =>
  (await introspected(changes)).requests[0]

export const introspectionBehaviours: Behaviours<IntrospectionVerifierOptions> = {
  endpoint: {
    see: async (changes) => {
      const { issuer } = soundIntrospectionOptions
      const { fetch, asked } = answering({
        [`${issuer}/.well-known/openid-configuration`]: {
          issuer,
          introspection_endpoint: `${issuer}/introspect`,
        },
        [`${issuer}/introspect`]: active,
        [`${issuer}/oauth2/introspection`]: active,
      })
      const options = { ...soundIntrospectionOptions, fetch, ...changes }
      const { verify } = createIntrospectionVerifierIn(createTestWorld(startMs), options)
      const verdict = await verdictOf(verify(opaque, signal))
      return [verdict, asked.map((url) => url.replace(issuer, ''))]
    },
    before: [yes, ['/.well-known/openid-configuration', '/introspect']],
    after: [
      [{ endpoint: new URL('https://issuer.test/oauth2/introspection') }, [yes, ['/oauth2/introspection']]],
    ],
  },
  clientId: { see: credentials, before: 'exports:secret', after: [[{ clientId: 'us' }, 'us:secret']] },
  clientSecret: {
    see: credentials,
    before: 'exports:secret',
    after: [[{ clientSecret: 'hush' }, 'exports:hush']],
  },
  issuer: {
    see: async (changes) => [
      (await introspected(changes)).principal?.issuer,
      (await introspected(changes, { ...active, iss: 'https://issuer.test' })).verdict,
    ],
    before: ['https://issuer.test', yes],
    after: [[{ issuer: 'https://another.test' }, ['https://another.test', no]]],
  },
  audience: {
    see: async (changes) => [
      (await introspected(changes)).verdict,
      (await introspected(changes, { ...active, aud: 'imports' })).verdict,
    ],
    before: [yes, no],
    after: [
      [{ audience: 'imports' }, [no, yes]],
      [{ audience: ['exports', 'imports'] }, [yes, yes]],
    ],
  },
  accept: {
    see: async (changes) => [
      (await introspected(changes)).verdict,
      (await introspected(changes, { ...active, aud: undefined, client_id: 'client-1' })).verdict,
      (await introspected(changes, { ...active, aud: [], client_id: 'client-2' })).verdict,
    ],
    before: [yes, no, no],
    after: [[{ audience: 'none', accept: onlyClientOne }, [no, yes, no]]],
  },
  cacheMs: {
    see: async (changes) => (await introspected(changes, active, [0, 29_999, 1])).requests.length,
    before: 2,
    after: [
      [{ cacheMs: 0 }, 3],
      [{ cacheMs: 60_000 }, 1],
    ],
  },
  readClaims: {
    see: async (changes) => {
      const { principal } = await introspected(changes)
      return principal && rights(principal)
    },
    before: { organizations: ['acme'], capabilities: ['exports:download'] },
    after: [[{ readClaims: () => others }, others]],
  },
  subject: {
    see: async (changes) => {
      const machine = { ...active, sub: undefined, client_id: 'client-1' }
      const answers = [active, machine, { ...machine, client_id: undefined, azp: 'party-1' }]
      const seen = await Promise.all(answers.map((answer) => introspected(changes, answer)))
      return seen.map(({ verdict }) => verdict)
    },
    before: [yes, 'client-1', 'party-1'],
    after: [[{ subject: () => 'somebody' }, ['somebody', 'somebody', 'somebody']]],
  },
  maxTokenLength: {
    see: async (changes) => {
      const tokens = [8_192, 8_193, 10_001].map((length) => 'x'.repeat(length))
      const seen = await Promise.all(tokens.map((token) => introspected(changes, active, [0], token)))
      return seen.map(({ verdict }) => verdict)
    },
    before: [yes, no, no],
    after: [
      [{ maxTokenLength: 100 }, [no, no, no]],
      [{ maxTokenLength: 10_000 }, [yes, yes, no]],
    ],
  },
  fetch: {
    see: async (changes) => {
      const { verdict, requests } = await introspected(changes)
      return [verdict, requests.length]
    },
    before: [yes, 1],
    after: [[{ fetch: async () => Response.json(active) }, [yes, 0]]],
  },
}

// ── createBearerVerifier ─────────────────────────────────────────────────────────────────────────────────────────────

const always = (subject: string): TokenVerifier => ({ verify: async () => principalOf(subject) })
/** The options that must be given, and no other. */
export const soundBearerOptions: BearerVerifierOptions = { jwt: always('jwt'), opaque: always('opaque') }
const subjects = async (changes: Partial<BearerVerifierOptions>): Promise<unknown> => {
  const { verify } = createBearerVerifier({ ...soundBearerOptions, ...changes })
  return Promise.all([forge.token(), opaque].map((token) => verdictOf(verify(token, signal))))
}

export const bearerBehaviours: Behaviours<BearerVerifierOptions> = {
  jwt: { see: subjects, before: ['jwt', 'opaque'], after: [[{ jwt: always('ann') }, ['ann', 'opaque']]] },
  opaque: { see: subjects, before: ['jwt', 'opaque'], after: [[{ opaque: always('ann') }, ['jwt', 'ann']]] },
}

// ── createMemoryLimiter ──────────────────────────────────────────────────────────────────────────────────────────────

type MemoryLimiterOptions = NonNullable<Parameters<typeof createMemoryLimiter>[0]>
const quota = { capacity: 1, refill: 1, perMs: 60_000 }
const take = async (limiter: ReturnType<typeof createMemoryLimiter>, key: string): Promise<boolean> =>
  (
    await limiter.admit(
      { partition: 'acme', cost: 1, quotas: [{ name: 'q', key: [key], quota }], slots: [] },
      signal,
    )
  ).admitted

export const limiterBehaviours: Behaviours<MemoryLimiterOptions> = {
  maxKeys: {
    // How many keys have a bucket of their own: all later ones share one, which the first of them empties.
    see: async (changes) => {
      const limiter = createMemoryLimiter({ now: () => 0, ...changes })
      let own = 0
      while (await take(limiter, `key-${own}`)) own += 1
      return own - 1
    },
    before: 100_000,
    after: [[{ maxKeys: 5 }, 5]],
  },
  now: {
    see: async (changes) => {
      const limiter = createMemoryLimiter(changes)
      return [await take(limiter, 'key'), await take(limiter, 'key')]
    },
    before: [true, false],
    after: [[{ now: minutely() }, [true, true]]],
  },
}

/** A clock that is a minute later whenever it is read. */
function minutely(): () => number {
  let at = 0
  return () => (at += 60_000)
}
