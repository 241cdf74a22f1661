import type { TokenVerifier } from '../../src/ports.ts'
import { createBearerVerifier } from '../../src/verifiers/bearer-verifier.ts'
import { createIntrospectionVerifier } from '../../src/verifiers/introspection-verifier.ts'
import { createJwtVerifier } from '../../src/verifiers/jwt-verifier.ts'
import { createForge, type Forge } from '../verifiers/forge.ts'
import { type Answer, serve, type TestServer } from '../verifiers/serve.ts'
import { openScene, type Scene } from './scene.ts'

export const forge: Forge = createForge()

/** A guard whose tokens are judged as in production: keys and introspection are asked for over HTTP. */
export interface Fortress extends AsyncDisposable {
  readonly keys: TestServer
  readonly introspection: TestServer
  readonly scene: Scene
  /** The status of a download with this token, and how often keys and introspection have been asked by then. */
  readonly verdict: (authorization: string) => Promise<Verdict>
}

interface Verdict {
  readonly status: number
  readonly keyFetches: number
  readonly introspections: number
}

/** What introspection says of a sound token. */
export const activeAnswer = {
  active: true,
  sub: 'opaque-1',
  iss: forge.issuer,
  aud: forge.audience,
  org: 'acme',
  scope: 'exports:download',
}

/** One that knows no keys yet. */
export async function openFortress({
  keys: jwks = { body: forge.jwks },
  introspected = { body: activeAnswer },
  maxHeaderSize = 16_384,
}: { keys?: Answer; introspected?: Answer; maxHeaderSize?: number } = {}): Promise<Fortress> {
  const [keys, introspection] = await Promise.all([serve(jwks), serve(introspected)])
  const verifier = verifierOf(forge, keys.url, introspection.url)
  const scene = await openScene({ verifier, server: { maxHeaderSize } })
  return {
    keys,
    introspection,
    scene,
    verdict: async (authorization) => {
      const { status } = await scene.ask({ headers: { authorization } })
      return { status, keyFetches: keys.requests.length, introspections: introspection.requests.length }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([scene, keys, introspection].map((server) => server[Symbol.asyncDispose]()))
    },
  }
}

function verifierOf({ issuer, audience }: Forge, jwks: URL, endpoint: URL): TokenVerifier {
  return createBearerVerifier({
    jwt: createJwtVerifier({ issuer, audience, jwks, type: 'at+jwt' }),
    opaque: createIntrospectionVerifier({ issuer, audience, endpoint, clientId: 'us', clientSecret: 'ours' }),
  })
}
