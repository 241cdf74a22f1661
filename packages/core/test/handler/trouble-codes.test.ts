import { describe, expect, test } from 'vitest'

import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { ExportStore, OpenObject, TokenVerifier } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import type { Fault } from '../../src/testing/fault.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { createIntrospectionVerifierIn } from '../../src/verifiers/introspection-verifier.ts'
import { createJwtVerifierIn } from '../../src/verifiers/jwt-verifier.ts'
import { defaultRuntime } from '../../src/verifiers/runtime.ts'
import { withDeadline } from '../../src/waiting.ts'
import { type Answer as Served, serve } from '../verifiers/serve.ts'
import { openScene, principalOf, type SceneOptions } from './scene.ts'

// Which codes a host reads in `trouble` events, and how the request ends, for each way in which a port fails.

const size = 300_000
const half = size / 2
const memory = createMemoryStore({ 'acme/ready': positionCoded(size) })

async function told(
  options: SceneOptions,
  authorization = 'Bearer ann',
): Promise<{
  readonly codes: readonly string[]
  readonly outcome: string | undefined
  readonly status?: number
}> {
  await using scene = await openScene(options)
  await scene.ask({ headers: { authorization } }).catch(() => undefined) // a cut rejects; its event is what counts
  await scene.over(1)
  const [end] = scene.ended()
  return {
    codes: scene.troubles().map(({ code }) => code),
    outcome: end?.outcome,
    ...(end && { status: end.status }),
  }
}

const hangs = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

describe('a store in memory', () => {
  const delivery = { storeSilenceMs: 100, firstByteMs: 2_000, resume: { attempts: 1, withinMs: 5_000 } }
  const withFaults = (...faults: Fault[]): ExportStore => createChaosStore(memory, { faults })
  /** Cut at the half; then each re-open goes as told. */
  const thenReopened = (reopen: ExportStore['get']): ExportStore => {
    const store = withFaults({ does: 'cut', atByte: half })
    return {
      head: (...asked) => store.head(...asked),
      get: (key, options, signal) =>
        options.range ? reopen(key, options, signal) : store.get(key, options, signal),
    }
  }

  const opened = (): Promise<OpenObject | undefined> =>
    memory.get('acme/ready', {}, new AbortController().signal)

  test.each<[string, ExportStore, readonly string[], string]>([
    ['that holds', memory, [], 'completed'],
    ['that breaks off once', withFaults({ does: 'cut', atByte: half }), ['store_cut'], 'completed'],
    ['that throws in mid-body once', withFaults({ does: 'throw', atByte: half }), ['store_cut'], 'completed'],
    ['that ends early once', withFaults({ does: 'short', atByte: half }), ['store_cut'], 'completed'],
    ['that stalls once', withFaults({ does: 'stall', atByte: half }), ['store_stalled'], 'completed'],
    [
      'that breaks off for good',
      withFaults({ does: 'cut', atByte: half, times: 20 }),
      ['store_cut'],
      'store_cut',
    ],
    [
      'that stalls for good',
      withFaults({ does: 'stall', atByte: half, times: 20 }),
      ['store_stalled'],
      'store_stalled',
    ],
    ['that overruns', withFaults({ does: 'overrun', atByte: size }), ['store_overran'], 'store_overran'],
    [
      'whose object changes under the download',
      withFaults({ does: 'change', atByte: half }),
      ['store_cut', 'object_changed'],
      'object_changed',
    ],
    [
      'whose re-open times out',
      thenReopened((_key, _options, signal) => hangs(signal)),
      ['store_cut'],
      'store_stalled',
    ],
    [
      'whose re-open is refused as silent',
      thenReopened(async () => refuse('unavailable', { trouble: 'store_silent' })),
      ['store_cut'],
      'store_stalled',
    ],
    [
      'whose re-open is unavailable',
      thenReopened(async () => refuse('unavailable')),
      ['store_cut'],
      'store_cut',
    ],
    [
      'whose re-open is forbidden',
      thenReopened(async () => refuse('upstream_error')),
      ['store_cut', 'store_wrong'],
      'store_wrong',
    ],
    [
      'whose re-open gives no object',
      thenReopened(async () => ({ info: { size, validator: 'v' } }) as OpenObject),
      ['store_cut', 'object_malformed'],
      'store_wrong',
    ],
    [
      'whose re-open gives no description',
      thenReopened(async () => ({ ...(await opened()), info: undefined }) as unknown as OpenObject),
      ['store_cut', 'info_malformed'],
      'store_wrong',
    ],
    [
      'whose object is gone when it is opened again',
      thenReopened(async () => undefined),
      ['store_cut', 'object_changed'],
      'object_changed',
    ],
  ])('%s', async (_, store, codes, outcome) => {
    expect(await told({ store, delivery })).toEqual({ codes, outcome, status: 200 })
  })

  test.each<[string, ExportStore['get'], string, number]>([
    ['that hangs', (_key, _options, signal) => hangs(signal), 'store_silent', 503],
    ['that throws', async () => Promise.reject(new Error('EIO')), 'store_failed', 503],
    ['that is unavailable', async () => refuse('unavailable'), 'store_unavailable', 503],
    ['that is forbidden', async () => refuse('upstream_error'), 'store_wrong', 502],
  ])('%s before the first byte', async (_, get, code, status) => {
    const store: ExportStore = { ...memory, get }
    expect(await told({ store, delivery: { firstByteMs: code === 'store_silent' ? 100 : 15_000 } })).toEqual({
      codes: [code],
      outcome: 'refused',
      status,
    })
  })

  test('that fails again and again until the first byte is due was not silent', async () => {
    const store = withFaults({ does: 'cut', atByte: 0, times: 1_000 })
    expect(await told({ store, delivery: { firstByteMs: 300 } })).toEqual({
      codes: ['store_cut'],
      outcome: 'refused',
      status: 503,
    })
  })
})

describe('a store that reports what it survives', () => {
  const reporting = (): { readonly store: ExportStore; readonly heard: () => number } => {
    const listeners: Parameters<NonNullable<ExportStore['onTrouble']>>[0][] = []
    return {
      heard: () => listeners.length,
      store: {
        ...memory,
        onTrouble: (listener) => void listeners.push(listener),
        get: async (...asked) => {
          for (const listener of listeners) listener('encoding_ignored', new Error('utf-8'))
          return memory.get(...asked)
        },
      },
    }
  }

  test('is heard, and the download goes on', async () => {
    const { store } = reporting()
    expect(await told({ store: () => store })).toEqual({
      codes: ['encoding_ignored'],
      outcome: 'completed',
      status: 200,
    })
  })

  test('is heard once, although a function gives it for each request', async () => {
    const { store, heard } = reporting()
    await using scene = await openScene({ store: () => store })
    await scene.ask()
    await scene.ask()
    await scene.over(2)
    expect([heard(), scene.troubles().length]).toEqual([1, 2])
  })
})

describe('an audit', () => {
  test.each<[string, NonNullable<SceneOptions['audit']>, string]>([
    ['that fails', async () => Promise.reject(new Error('the disk is full')), 'audit_failed'],
    ['that is silent for 2 s', (_, signal) => hangs(signal), 'audit_silent'],
    [
      'that gives up by our own deadline',
      (_, signal) => withDeadline(hangs, { ms: 10, signal }),
      'audit_silent',
    ],
  ])('%s', async (_, audit, code) => {
    expect(await told({ audit })).toEqual({ codes: [code], outcome: 'refused', status: 503 })
  })
})

describe('a limiter in memory', () => {
  test('that is asked for more than a bucket holds', async () => {
    const limits = {
      limiter: createMemoryLimiter({ maxKeys: 10 }),
      perPrincipal: () => ({ capacity: 1, refill: 1, perMs: 1_000 }),
      cost: { download: 2 },
    }
    expect(await told({ limits })).toEqual({ codes: ['limiter_failed'], outcome: 'refused', status: 503 })
  })
})

describe('a verifier that asks a server', () => {
  const introspection = (url: URL, deadlineMs: number): TokenVerifier =>
    createIntrospectionVerifierIn(
      { ...defaultRuntime, deadlineMs },
      {
        endpoint: new URL('introspect', url),
        clientId: 'exports',
        clientSecret: 'secret',
        issuer: 'https://issuer.test',
        audience: 'exports',
      },
    )
  const jwt = (url: URL, deadlineMs: number): TokenVerifier =>
    createJwtVerifierIn(
      { ...defaultRuntime, deadlineMs },
      {
        issuer: 'https://issuer.test',
        audience: 'exports',
        jwks: new URL('jwks', url),
        type: 'at+jwt',
      },
    )
  const header = Buffer.from('{"alg":"RS256","typ":"at+jwt","kid":"k"}').toString('base64url')
  const claims = Buffer.from(
    JSON.stringify({ iss: 'https://issuer.test', sub: 'ann', aud: 'exports', exp: 9e9, iat: 1 }),
  ).toString('base64url')
  const asJwt = `Bearer ${header}.${claims}.c2ln`

  describe.each<[string, (url: URL, deadlineMs: number) => TokenVerifier, string]>([
    ['for keys', jwt, asJwt],
    ['about tokens', introspection, 'Bearer opaque-token-0123456789'],
  ])('%s', (_, create, authorization) => {
    test.each<[string, Served, number, string]>([
      ['that is silent', () => undefined, 60, 'verifier_silent'],
      ['that answers 500', { status: 500 }, 5_000, 'verifier_unavailable'],
      ['that answers nonsense', { body: 'nonsense' }, 5_000, 'verifier_unavailable'],
    ])('%s', async (_, answer, deadlineMs, code) => {
      await using server = await serve(answer)
      const verifier = create(server.url, deadlineMs)
      expect(await told({ verifier }, authorization)).toEqual({
        codes: [code],
        outcome: 'refused',
        status: 503,
      })
    })
  })

  test.each<[string, TokenVerifier['verify'], string, number]>([
    ['throws', async () => Promise.reject(new Error('down')), 'verifier_failed', 503],
    ['gives no principal', async () => ({ ...principalOf('ann'), subject: '' }), 'principal_malformed', 502],
  ])('of the host that %s', async (_, verify, code, status) => {
    expect(await told({ verifier: { verify } })).toEqual({ codes: [code], outcome: 'refused', status })
  })
})
