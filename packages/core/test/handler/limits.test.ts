import { connect } from 'node:net'

import { describe, expect, test } from 'vitest'

import { createExportHandler } from '../../src/export-handler.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { DeliveryOptions, Limits } from '../../src/options/options.ts'
import type { Principal } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import type { ExportHandler } from '../../src/request-response.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import type { Ask } from './ask.ts'
import { openGatedStore, openLimiter } from './limiters.ts'
import { content, ids, openScene, pathOf, principalOf, soundOptions } from './scene.ts'

const few = { capacity: 2, refill: 1, perMs: 10_000 }
const range = { headers: { range: 'bytes=0-1' } }

/** One HEAD request from one address, without a socket; gives the status. */
const askDirectly = async (
  handler: ExportHandler,
  token: string,
  signal = new AbortController().signal,
): Promise<number> => {
  const fields = new Map([
    ['authorization', `Bearer ${token}`],
    ['x-org-name', 'acme'],
  ])
  const request = {
    method: 'HEAD',
    params: { exportId: ids.ready },
    header: (name: string) => fields.get(name),
    address: '192.0.2.1',
    signal,
  }
  return (await handler.handle(request)).status
}

describe('a quota', () => {
  test('is told with every answer that was counted, and refuses when it is spent', async () => {
    const { limiter } = openLimiter()
    await using scene = await openScene({ limits: { perPrincipal: few, limiter } })
    const answers = [await scene.ask(), await scene.ask({ path: pathOf(ids.missing) }), await scene.ask()]
    expect(answers.map(({ status, field }) => [status, field('ratelimit'), field('retry-after')])).toEqual([
      [200, '"principal";r=1;t=10', undefined],
      [404, '"principal";r=0;t=10', undefined],
      [429, '"principal";r=0;t=10', '10'],
    ])
    expect(new Set(answers.map(({ field }) => field('ratelimit-policy')))).toEqual(
      new Set(['"principal";q=2;w=20']),
    )
    await scene.over(3)
    expect(scene.ended().map(({ kind }) => kind)).toEqual([undefined, 'export_not_found', 'rate_limited'])
    expect(scene.calls.filter((call) => call === 'catalogue')).toHaveLength(2)
  })

  test.each<[string, Partial<Ask>, number]>([
    ['a download', {}, 3],
    ['a range', range, 2],
    ['a Range that is none', { headers: { range: 'bytes=x' } }, 3],
    ['HEAD', { method: 'HEAD' }, 1],
    ['HEAD of a range', { method: 'HEAD', ...range }, 1],
  ])('is charged what %s costs', async (_, request, cost) => {
    const { limiter, asked } = openLimiter()
    await using scene = await openScene({ limits: { limiter, cost: { download: 3, range: 2, head: 1 } } })
    await scene.ask(request)
    expect(asked.map(({ cost: charged }) => charged)).toEqual([cost])
  })

  test('is nobody else’s: neither of another user nor of another organization', async () => {
    const { limiter } = openLimiter()
    await using scene = await openScene({ limits: { perPrincipal: { ...few, capacity: 1 }, limiter } })
    const as = (token: string, name: string): Partial<Ask> => ({
      path: pathOf(ids.missing),
      headers: { authorization: `Bearer ${token}`, 'x-org-name': name },
    })
    for (const request of [as('ann', 'acme'), as('two', 'acme'), as('two', 'globex'), as('bob', 'globex')])
      expect((await scene.ask(request)).status).toBe(404)
    expect((await scene.ask(as('two', 'globex'))).status).toBe(429)
  })

  test('of the tenant is shared by its users', async () => {
    const { limiter } = openLimiter()
    await using scene = await openScene({ limits: { perTenant: few, limiter } })
    await scene.ask()
    await scene.ask({ headers: { authorization: 'Bearer two' } })
    const { status, field } = await scene.ask()
    expect([status, field('ratelimit')]).toEqual([429, '"principal";r=59;t=1, "tenant";r=0;t=10'])
  })

  test('may depend on the user and the organization', async () => {
    const { limiter } = openLimiter()
    const limits: Limits = {
      perPrincipal: ({ subject }, { name }) => ({
        ...few,
        capacity: subject === 'ann' ? 3 : name === 'acme' ? 4 : 5,
      }),
      perTenant: ({ name }) => ({ ...few, capacity: name === 'acme' ? 30 : 50 }),
      limiter,
    }
    await using scene = await openScene({ limits })
    const path = pathOf(ids.missing)
    const told: (string | undefined)[] = []
    for (const [token, name] of [
      ['ann', 'acme'],
      ['two', 'acme'],
      ['two', 'globex'],
    ]) {
      const headers = { authorization: `Bearer ${token}`, 'x-org-name': name }
      told.push((await scene.ask({ path, headers })).field('ratelimit-policy'))
    }
    expect(told).toEqual([
      '"principal";q=3;w=30, "tenant";q=30;w=300',
      '"principal";q=4;w=40, "tenant";q=30;w=300',
      '"principal";q=5;w=50, "tenant";q=50;w=500',
    ])
  })

  test('is not touched by who is refused before', async () => {
    const { limiter, asked } = openLimiter()
    await using scene = await openScene({ limits: { limiter } })
    for (const request of [
      { path: pathOf('nope') },
      { method: 'POST' },
      { method: 'OPTIONS' },
      { headers: { authorization: 'Bearer eve' } },
      { headers: { authorization: 'Bearer idle' } },
      { headers: { 'x-org-name': 'globex' } },
    ]) {
      const { field } = await scene.ask(request)
      expect([field('ratelimit'), field('ratelimit-policy')]).toEqual([undefined, undefined])
    }
    expect(asked).toEqual([])
  })

  test('may be told in the older fields too', async () => {
    const { limiter } = openLimiter()
    await using scene = await openScene({ limits: { limiter, legacyFields: true } })
    const { field } = await scene.ask()
    expect(['limit', 'remaining', 'reset'].map((name) => field(`x-ratelimit-${name}`))).toEqual([
      '60',
      '59',
      '1',
    ])
  })
})

describe('the price follows what is sent', () => {
  const cost = { download: 10, range: 1, head: 2 }
  const half = Math.floor(content.length / 2)
  const etagOf = async (): Promise<string> => {
    await using scene = await openScene({ limits: { limiter: openLimiter().limiter } })
    return (await scene.ask({ method: 'HEAD' })).field('etag') ?? ''
  }
  /** Tokens of a bucket of 100 that one request takes. */
  const pay = async (
    headers: NonNullable<Ask['headers']>,
    delivery: DeliveryOptions = {},
    store = createMemoryStore({ 'acme/ready': content }),
  ): Promise<number> => {
    const { limiter } = openLimiter()
    const perPrincipal = { capacity: 100, refill: 1, perMs: 1_000 }
    await using scene = await openScene({ store, delivery, limits: { limiter, perPrincipal, cost } })
    const shown = (await scene.ask({ headers })).field('ratelimit') ?? ''
    await scene.ask({ method: 'HEAD' })
    const after = (await scene.ask({ method: 'HEAD' })).field('ratelimit') ?? ''
    const tokens = (field: string): number => Number(/;r=(\d+)/.exec(field)?.[1])
    expect(tokens(after) + 2 * cost.head).toBe(tokens(shown))
    return 100 - tokens(shown)
  }

  test('two halves cost what the whole does', async () => {
    const [one, two] = [await pay({ range: `bytes=0-${half - 1}` }), await pay({ range: `bytes=${half}-` })]
    // 30 and 31 of 61 bytes
    expect([one, two]).toEqual([5, 6])
    expect(await pay({})).toBe(10)
  })

  test('a range for an ETag that is no longer true costs the download that it gets', async () => {
    expect(await pay({ range: 'bytes=0-1', 'if-range': '"old"' })).toBe(10)
    expect(await pay({ range: 'bytes=0-1', 'if-range': await etagOf() })).toBe(1)
  })

  test('several ranges cost one range each and their part of a download; unless they are served, a download', async () => {
    const store = createMemoryStore({ 'acme/ready': 'x'.repeat(10_000) })
    const eight = Array.from({ length: 8 }, (_, index) => `${index * 1_000}-${index * 1_000}`)
    const halves = ['0-2499', '5000-7499']
    const served = { multipleRanges: true }
    const price = (ranges: readonly string[], delivery?: DeliveryOptions): Promise<number> =>
      pay({ range: `bytes=${ranges.join(',')}` }, delivery, store)
    expect([await price(eight, served), await price(halves, served)]).toEqual([8, 5])
    expect([await price(eight), await price(halves)]).toEqual([10, 10])
  })

  test('a price above the capacity is lowered to it', async () => {
    const { limiter, asked } = openLimiter()
    const limits = { limiter, perPrincipal: { capacity: 3, refill: 1, perMs: 1_000 } }
    const store = createMemoryStore({ 'acme/ready': 'x'.repeat(10_000) })
    await using scene = await openScene({ store, limits, delivery: { multipleRanges: true } })
    const range = 'bytes=0-0,1000-1000,2000-2000,3000-3000,4000-4000'
    expect((await scene.ask({ headers: { range } })).status).toBe(206)
    expect(asked.map(({ cost }) => cost)).toEqual([1, 2])
  })

  test('a 304 costs what HEAD does', async () => {
    expect(await pay({ 'if-none-match': '*' })).toBe(2)
    expect(await pay({ 'if-none-match': '*', range: 'bytes=0-1' })).toBe(2)
  })

  test('after a debt that is refused, exactly Retry-After later it is paid', async () => {
    const clock = { ms: 0 }
    const limiter = createMemoryLimiter({ now: () => clock.ms })
    const limits = { limiter, perPrincipal: { capacity: 12, refill: 1, perMs: 1_000 }, cost }
    await using scene = await openScene({ limits })
    const whole = { headers: { range: 'bytes=0-' } }
    expect((await scene.ask(whole)).status).toBe(206)
    const refused = await scene.ask(whole)
    expect([refused.status, refused.field('retry-after')]).toEqual([429, '9'])
    clock.ms += 9_000
    expect((await scene.ask(whole)).status).toBe(206)
  })
})

describe('a slot', () => {
  test('is held until the last byte, and then another gets it', async () => {
    const { limiter, open } = openLimiter()
    const { store, gate } = openGatedStore()
    const limits: Limits = { concurrent: { perPrincipal: 1 }, limiter }
    await using scene = await openScene({ store, limits })
    const first = scene.ask()
    await expect.poll(() => scene.events.length).toBe(1)
    const second = await scene.ask()
    expect([second.status, Number(second.field('retry-after'))]).toEqual([429, 1])
    expect(open()).toBe(1)
    gate.resolve()
    expect((await first).whole).toBe(true)
    await scene.over(2)
    expect(scene.ended().map(({ kind, outcome }) => kind ?? outcome)).toEqual([
      'too_many_downloads',
      'completed',
    ])
    expect(open()).toBe(0)
    expect((await scene.ask()).status).toBe(200)
  })

  test('is held until its client goes away, and then another gets it', async () => {
    const { limiter, open } = openLimiter()
    const { store, gate } = openGatedStore()
    const limits: Limits = { concurrent: { perPrincipal: 1 }, limiter }
    await using scene = await openScene({ store, limits })
    const head = `GET ${pathOf(ids.ready)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ann\r\nX-Org-Name: acme\r\n\r\n`
    const client = connect(scene.port, '127.0.0.1').resume()
    client.write(head)
    await expect.poll(() => scene.events.length).toBe(1)
    expect([(await scene.ask()).status, open()]).toEqual([429, 1])
    client.destroy()
    await scene.over(2)
    expect(scene.ended().at(-1)?.outcome).toBe('client_aborted')
    expect(open()).toBe(0)
    gate.resolve()
    expect((await scene.ask()).status).toBe(200)
  })

  test.each<[string, Partial<Ask>]>([
    ['a download', {}],
    ['a missing export', { path: pathOf(ids.missing) }],
    ['HEAD', { method: 'HEAD' }],
    ['a 304', { headers: { 'if-none-match': '*' } }],
    ['a 416', { headers: { range: 'bytes=999-' } }],
  ])('is given back after %s', async (_, request) => {
    const { limiter, open } = openLimiter()
    await using scene = await openScene({ limits: { limiter } })
    await scene.ask(request)
    await scene.over(1)
    expect(open()).toBe(0)
  })
})

describe('the quota of an address', () => {
  const eve = { headers: { authorization: 'Bearer eve' } }
  const perAddress = few

  test('is spent by those who prove nothing, and then nobody from there is heard', async () => {
    const { limiter, asked } = openLimiter()
    await using scene = await openScene({ limits: { perAddress, limiter } })
    const statuses: number[] = []
    for (const request of [eve, { headers: { authorization: undefined } }, eve, {}])
      statuses.push((await scene.ask(request)).status)
    expect(statuses).toEqual([401, 401, 429, 429])
    expect(asked.map(({ cost }) => cost)).toEqual([1, 1, 1, 1])
    expect(scene.calls.filter((call) => call === 'verifier')).toHaveLength(1)
  })

  test('is given back to a principal, also where the request is refused later', async () => {
    const { limiter, refunds } = openLimiter()
    await using scene = await openScene({ limits: { perAddress, limiter } })
    await scene.ask()
    await scene.ask({ headers: { authorization: 'Bearer idle' } })
    await scene.ask({ path: pathOf('nope') })
    expect(refunds).toEqual([1, 1, 1])
    expect((await scene.ask()).status).toBe(200)
  })

  test('is given back when the verifier is at fault', async () => {
    const { limiter, refunds } = openLimiter()
    const verifier = { verify: (): Promise<never> => Promise.reject(new Error('keys are down')) }
    await using scene = await openScene({ verifier, limits: { perAddress, limiter } })
    expect((await scene.ask()).status).toBe(503)
    expect(refunds).toEqual([1])
  })

  /** A verifier that decides about nobody until the gate is open. */
  const openGatedVerifier = (): {
    verifier: { verify: (token: string) => Promise<Principal> }
    gate: PromiseWithResolvers<void>
    seen: string[]
  } => {
    const gate = Promise.withResolvers<void>()
    const seen: string[] = []
    const verify = async (token: string): Promise<Principal> => {
      seen.push(token)
      await gate.promise
      return token === 'eve' ? refuse('token_invalid') : principalOf(token)
    }
    return { verifier: { verify }, gate, seen }
  }

  test('1,000 made-up tokens at once are verified as often as it holds tokens', async () => {
    const limiter = createMemoryLimiter({ now: () => 0 })
    const { verifier, gate, seen } = openGatedVerifier()
    const limits = { perAddress: { capacity: 20, refill: 1, perMs: 3_000 }, limiter }
    const handler = createExportHandler({ ...soundOptions(), verifier, limits })
    const answers = Array.from({ length: 1_000 }, () => askDirectly(handler, 'eve'))
    await expect.poll(() => seen.length).toBe(20)
    gate.resolve()
    const statuses = await Promise.all(answers)
    expect(seen).toHaveLength(20)
    expect(Map.groupBy(statuses, (status) => status).get(401)).toHaveLength(20)
    expect(Map.groupBy(statuses, (status) => status).get(429)).toHaveLength(980)
  })

  test('200 valid tokens at once from one address are all admitted, however few it holds', async () => {
    const limiter = createMemoryLimiter({ now: () => 0 })
    const { verifier, gate, seen } = openGatedVerifier()
    const handler = createExportHandler({ ...soundOptions(), verifier, limits: { perAddress, limiter } })
    const answers = Array.from({ length: 200 }, (_, index) => askDirectly(handler, `user-${index}`))
    await expect.poll(() => seen.length).toBe(2)
    gate.resolve()
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
    expect(seen).toHaveLength(200)
  })

  test('is lost by a client that leaves before the outcome is known', async () => {
    const { limiter, refunds } = openLimiter()
    const { verifier, gate, seen } = openGatedVerifier()
    const handler = createExportHandler({ ...soundOptions(), verifier, limits: { perAddress, limiter } })
    const leaving = new AbortController()
    const answers = [
      askDirectly(handler, 'eve', leaving.signal),
      askDirectly(handler, 'eve', leaving.signal),
      askDirectly(handler, 'eve', leaving.signal),
    ]
    await expect.poll(() => seen.length).toBe(2)
    leaving.abort()
    await Promise.all(answers)
    expect(await askDirectly(handler, 'eve')).toBe(429)
    gate.resolve()
    expect([seen.length, refunds]).toEqual([2, []])
  })

  test('is not told: a stranger learns nothing of others from his address', async () => {
    const { limiter } = openLimiter()
    await using scene = await openScene({ limits: { perAddress, limiter } })
    expect((await scene.ask(eve)).field('ratelimit')).toBeUndefined()
  })
})
