import { connect } from 'node:net'

import { describe, expect, test } from 'vitest'

import type { Limits } from '../../src/options/options.ts'
import type { Ask } from './ask.ts'
import { openGatedStore, openLimiter } from './limiters.ts'
import { ids, openScene, pathOf } from './scene.ts'

const few = { capacity: 2, refill: 1, perMs: 10_000 }
const range = { headers: { range: 'bytes=0-1' } }

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

describe('a place', () => {
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
    expect(asked.map(({ cost }) => cost)).toEqual([0, 1, 0, 1, 0, 0])
    expect(scene.calls.filter((call) => call === 'verifier')).toHaveLength(1)
  })

  test('costs nothing to who is somebody, also where he is refused', async () => {
    const { limiter, asked } = openLimiter()
    await using scene = await openScene({ limits: { perAddress, limiter } })
    await scene.ask()
    await scene.ask({ headers: { authorization: 'Bearer idle' } })
    await scene.ask({ path: pathOf('nope') })
    expect(asked.filter(({ quotas }) => quotas[0]?.name === 'address').map(({ cost }) => cost)).toEqual([
      0, 0, 0,
    ])
  })

  test('costs nothing where nobody could tell who it was', async () => {
    const { limiter, asked } = openLimiter()
    const verifier = { verify: () => Promise.reject(new Error('keys are down')) }
    await using scene = await openScene({ verifier, limits: { perAddress, limiter } })
    expect((await scene.ask()).status).toBe(503)
    expect(asked.map(({ cost }) => cost)).toEqual([0])
  })

  test('is not told: a stranger learns nothing of others from his address', async () => {
    const { limiter } = openLimiter()
    await using scene = await openScene({ limits: { perAddress, limiter } })
    expect((await scene.ask(eve)).field('ratelimit')).toBeUndefined()
  })
})
