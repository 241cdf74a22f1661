import { describe, expect, test } from 'vitest'

import type { ExportEvent, Outcome } from '../../src/events.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { RateLimiter, TokenVerifier, TroubleSource } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import type { Ask } from './ask.ts'
import { acme, content, ids, openScene, pathOf, principalOf, soundOptions } from './scene.ts'

const size = content.length
const id = expect.stringMatching(/^[0-9a-f-]{36}$/) as string
const stranger = { id, requestId: 'r-1', method: 'GET', address: '127.0.0.1', version: 'v1' }
const known = {
  ...stranger,
  via: 'token',
  principal: { issuer: 'https://issuer.test', subject: 'ann' },
  tenantId: acme.id,
  exportId: ids.ready,
}

describe('what a request leaves behind', () => {
  const whole = { status: 200, ranges: [], bytesPromised: size, attempts: 1 }

  /** An end in full, but for the time it took. */
  const ended = (type: string, outcome: Outcome, more: object): object => ({
    type,
    outcome,
    ...known,
    ...more,
    durationMs: expect.any(Number) as number,
  })

  test('a download tells its start and its end', async () => {
    await using scene = await openScene()
    await scene.ask({ headers: { 'x-request-id': 'r-1' } })
    await scene.over(1)
    const firstByteMs = expect.any(Number) as number
    expect(scene.events).toEqual([
      { type: 'download_started', ...known, ...whole },
      ended('download_ended', 'completed', { ...whole, bytesSent: size, firstByteMs }),
    ])
    expect(scene.events[1]?.id).toBe(scene.events[0]?.id)
  })

  test('a part tells which', async () => {
    await using scene = await openScene()
    await scene.ask({ headers: { 'x-request-id': 'r-1', range: 'bytes=0-9' } })
    await scene.over(1)
    const part = { status: 206, ranges: [{ first: 0, last: 9 }], bytesPromised: 10, attempts: 1 }
    expect(scene.events).toMatchObject([
      { type: 'download_started', ...known, ...part },
      { type: 'download_ended', outcome: 'completed', ...known, ...part, bytesSent: 10 },
    ])
  })

  test.each<[string, Partial<Ask>, object]>([
    ['HEAD', { method: 'HEAD' }, { method: 'HEAD', status: 200 }],
    ['a 304', { headers: { 'if-none-match': '*' } }, { status: 304 }],
  ])('%s sends no bytes, so nothing starts', async (_, request, more) => {
    await using scene = await openScene()
    await scene.ask({ ...request, headers: { 'x-request-id': 'r-1', ...request.headers } })
    await scene.over(1)
    expect(scene.events).toEqual([ended('request_ended', 'completed', { attempts: 0, ...more })])
  })

  test('a stranger is nobody, and what he sent is nowhere', async () => {
    await using scene = await openScene()
    const headers = { 'x-request-id': 'r-1', authorization: 'Bearer eve', 'x-org-name': 'mallory' }
    await scene.ask({ path: pathOf('nope'), headers })
    await scene.over(1)
    expect(scene.events).toEqual([
      {
        type: 'request_ended',
        outcome: 'refused',
        kind: 'token_invalid',
        ...stranger,
        attempts: 0,
        status: 401,
        durationMs: expect.any(Number) as number,
      },
    ])
    expect(JSON.stringify(scene.events)).not.toMatch(/eve|mallory|nope/)
  })

  test('an id is told once it has parsed, the true kind also where the caller read another', async () => {
    await using scene = await openScene()
    await scene.ask({ path: pathOf('nope') })
    await scene.ask({ path: pathOf(ids.expired.toUpperCase()) })
    await scene.over(2)
    const [malformed, expired] = scene.ended()
    expect(malformed).toMatchObject({ kind: 'invalid_request', status: 400 })
    expect(malformed).not.toHaveProperty('exportId')
    expect(expired).toMatchObject({ kind: 'export_expired', status: 404, exportId: ids.expired })
  })

  test('what the host wrote is made fit for a log', async () => {
    const odd = `ann\r\n${'x'.repeat(300)}`
    const tenant = { id: 't\u202Eacme', name: 'acme' }
    await using scene = await openScene({
      verifier: { verify: async () => principalOf(odd, { issuer: odd }) },
      tenancy: { mode: 'multi', findTenant: async () => tenant },
    })
    await scene.ask()
    await scene.over(1)
    const shown = String.raw`ann\u{d}\u{a}` + 'x'.repeat(251)
    expect(scene.ended()).toMatchObject([
      { principal: { issuer: shown, subject: shown }, tenantId: String.raw`t\u{202e}acme` },
    ])
  })
})

describe('an audit', () => {
  test('is awaited before the first byte, and told the start', async () => {
    const audited: ExportEvent[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const audit = (event: ExportEvent): Promise<void> => {
      audited.push(event)
      return promise
    }
    await using scene = await openScene({ audit })
    const answered = scene.ask({ headers: { 'x-request-id': 'r-1' } })
    await expect.poll(() => audited.length).toBe(1)
    expect(scene.events).toEqual([])
    resolve()
    expect((await answered).body).toBe(content)
    expect(audited).toEqual([
      { type: 'download_started', ...known, status: 200, ranges: [], bytesPromised: size, attempts: 1 },
    ])
    await scene.over(1)
    expect(scene.events[0]).toBe(audited[0])
  })

  test('hears of nothing that sends no bytes', async () => {
    const audit = (): never => {
      throw new Error('it was asked')
    }
    await using scene = await openScene({ audit })
    expect((await scene.ask({ method: 'HEAD' })).status).toBe(200)
    expect((await scene.ask({ headers: { 'if-none-match': '*' } })).status).toBe(304)
    expect((await scene.ask({ path: pathOf(ids.missing) })).status).toBe(404)
  })
})

describe('troubles that a port lives through', () => {
  test('are told, with their cause', async () => {
    const cause = new Error('keys are down')
    let tellOfVerifier: Parameters<TroubleSource<'verifier'>>[0] = () => undefined
    let tellOfLimiter: Parameters<TroubleSource<'limiter'>>[0] = () => undefined
    const verifier: TokenVerifier = {
      ...soundOptions().verifier,
      onTrouble: (listener) => void (tellOfVerifier = listener),
    }
    const limiter: RateLimiter = {
      ...createMemoryLimiter({ maxKeys: 100 }),
      onTrouble: (listener) => void (tellOfLimiter = listener),
    }
    await using scene = await openScene({ verifier, limits: { limiter } })
    tellOfVerifier('keys_stale', cause)
    tellOfLimiter('limiter_local', cause)
    expect(scene.troubles()).toEqual([
      { type: 'trouble', port: 'verifier', code: 'keys_stale' },
      { type: 'trouble', port: 'limiter', code: 'limiter_local' },
    ])
    expect(scene.troubles().map((trouble) => trouble.cause)).toEqual([cause, cause])
    expect((await scene.ask()).status).toBe(200)
  })

  test.each(['my_own_word', 'keys_stale', 'constructor', undefined])(
    'have no other codes: %j of a limiter is its failure',
    async (code) => {
      const cause = new Error('of the limiter')
      let tell: (code: never, cause: unknown) => void = () => undefined
      const limiter: RateLimiter = {
        ...createMemoryLimiter({ maxKeys: 100 }),
        onTrouble: (listener) => void (tell = listener),
      }
      await using scene = await openScene({ limits: { limiter } })
      tell(code as never, cause)
      expect(scene.troubles()).toEqual([{ type: 'trouble', port: 'limiter', code: 'limiter_failed' }])
      expect(scene.troubles()[0]?.cause).toMatchObject({ message: `unknown trouble code: ${code}`, cause })
    },
  )

  test('are refused under a code that is in no table', () => {
    expect(() => refuse('unavailable', { trouble: 'constructor' as never })).toThrow(
      "refuse: trouble must be a code of docs/events.md; got 'constructor'",
    )
  })
})

describe('while it drains', () => {
  test('new requests are sent elsewhere, in the look they know', async () => {
    await using scene = await openScene()
    expect((await scene.ask()).status).toBe(200)
    await scene.handler.drain({ withinMs: 60_000 })
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST']) {
      const answer = await scene.ask({ method })
      expect([answer.status, answer.field('x-api-version'), answer.field('connection')]).toEqual([
        503,
        'v1',
        'close',
      ])
      expect(Number(answer.field('retry-after'))).toBeGreaterThanOrEqual(5)
    }
    expect(scene.troubles()).toEqual([])
  })

  test('a deadline that passes before the head is a refusal that was sent', async () => {
    const asked = Promise.withResolvers<void>()
    const findExport = (): Promise<never> => {
      asked.resolve()
      return new Promise(() => undefined)
    }
    await using scene = await openScene({ findExport })
    const answer = scene.ask()
    await asked.promise
    await scene.handler.drain({ withinMs: 0 })
    expect((await answer).status).toBe(503)
    await scene.over(1)
    expect(scene.ended()).toMatchObject([{ outcome: 'refused', kind: 'unavailable', status: 503 }])
    expect(scene.troubles()).toEqual([])
  })
})

describe('a client that asks again at once after each refusal', () => {
  test('is told in few events, which count all of its requests', async () => {
    await using scene = await openScene()
    const count = 300
    for (let nth = 0; nth < count; nth += 1) await scene.ask({ headers: { authorization: 'Bearer nobody' } })
    await scene.handler.drain({ withinMs: 1000 })
    const told = scene.ended()
    expect(told.reduce((sum, { suppressed = 0 }) => sum + 1 + suppressed, 0)).toBe(count)
    expect(told.length).toBeLessThanOrEqual(60)
    expect(new Set(told.map(({ kind }) => kind))).toEqual(new Set(['token_invalid']))
  })

  test('is told in few troubles while the catalogue fails', async () => {
    const findExport = async (): Promise<never> => Promise.reject(new Error('down'))
    const limits = { perPrincipal: { capacity: 1000, refill: 1, perMs: 1000 } }
    await using scene = await openScene({ findExport, limits })
    const count = 300
    for (let nth = 0; nth < count; nth += 1) await scene.ask()
    await scene.handler.drain({ withinMs: 1000 })
    const told = scene.troubles()
    expect(told.reduce((sum, { suppressed = 0 }) => sum + 1 + suppressed, 0)).toBe(count)
    expect(told.length).toBeLessThanOrEqual(60)
    expect(new Set(told.map(({ code }) => code))).toEqual(new Set(['catalogue_failed']))
  })
})
