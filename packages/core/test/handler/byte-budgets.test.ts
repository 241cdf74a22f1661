import { describe, expect, test } from 'vitest'

import type { DownloadEnded } from '../../src/events.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { Limits } from '../../src/options/options.ts'
import type { AdmissionAsk, RateLimiter } from '../../src/ports.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { createTickets } from '../../src/verifiers/tickets.ts'
import type { Ask } from './ask.ts'
import { openLimiter } from './limiters.ts'
import { content, ids, openScene, pathOf, type Scene, type SceneOptions } from './scene.ts'

const size = content.length
/** Less than one export, refilled by 10 bytes a second. */
const budget = { capacity: 40, refill: 10, perMs: 1_000 }
const perPrincipal = { capacity: 60, refill: 1, perMs: 1_000 }

/** A limiter on a clock that the test moves, and the bytes that were paid and not given back. */
function onClock(): {
  limiter: RateLimiter
  clock: { ms: number }
  asks: AdmissionAsk[]
  paid: () => number
} {
  const clock = { ms: 0 }
  const memory = createMemoryLimiter({ maxKeys: 1_000, now: () => clock.ms })
  const asks: AdmissionAsk[] = []
  let paid = 0
  const limiter: RateLimiter = {
    admit: async (ask, signal) => {
      const admission = await memory.admit(ask, signal)
      if (ask.allowDebt !== true) return admission
      asks.push(ask)
      if (!admission.admitted) return admission
      paid += ask.cost
      return {
        ...admission,
        refund: (tokens) => {
          paid -= tokens
          admission.refund(tokens)
        },
      }
    },
  }
  return { limiter, clock, asks, paid: () => paid }
}

const openBudgetScene = async (
  bytes: NonNullable<Limits['bytes']>,
  { limits, ...more }: SceneOptions = {},
): Promise<Scene & ReturnType<typeof onClock>> => {
  const counted = onClock()
  const scene = await openScene({ ...more, limits: { bytes, ...limits, limiter: counted.limiter } })
  return Object.assign(scene, counted)
}

describe('a budget of bytes', () => {
  test('serves an export larger than itself once, and the next exactly after the debt is paid', async () => {
    await using scene = await openBudgetScene({ perPrincipal: budget })
    const first = await scene.ask()
    expect([first.status, first.whole]).toEqual([200, true])
    expect(first.field('ratelimit-policy')).toBe(
      '"principal";q=60;w=60, "principal-bytes";q=40;qu="content-bytes";w=4',
    )
    expect(first.field('ratelimit')).toBe(`"principal";r=59;t=1, "principal-bytes";r=0;t=3`)

    // It owes 23 bytes and waits for one more: 2.4 s.
    scene.clock.ms += 1
    const refused = await scene.ask()
    expect([refused.status, refused.field('retry-after')]).toEqual([429, '3'])
    expect(refused.field('ratelimit')).toBe('"principal";r=58;t=1, "principal-bytes";r=0;t=3')
    scene.clock.ms = 2_399
    expect((await scene.ask()).status).toBe(429)
    scene.clock.ms = 2_400
    expect((await scene.ask()).status).toBe(200)
    expect(size).toBe(63)
  })

  test('is told to operators with its kind, its name and the wait', async () => {
    await using scene = await openBudgetScene({ perPrincipal: budget })
    await scene.ask()
    await scene.ask()
    await scene.over(2)
    const [, refused] = scene.ended()
    expect(refused).toMatchObject({ type: 'request_ended', outcome: 'refused', kind: 'rate_limited' })
    expect(String(refused?.cause)).toContain(
      "the budget 'principal-bytes' must hold a byte; it will in 2400 ms, and the download has 63",
    )
  })

  test('of a tenant is shared by its users, and both may be functions', async () => {
    await using scene = await openBudgetScene({
      perPrincipal: ({ subject }) => ({ ...budget, capacity: subject.length * 1_000 }),
      perTenant: ({ name }) => ({ ...budget, capacity: name.length }),
    })
    const first = await scene.ask()
    expect(first.field('ratelimit-policy')).toBe(
      '"principal";q=60;w=60, "principal-bytes";q=3000;qu="content-bytes";w=300, "tenant-bytes";q=4;qu="content-bytes";w=1',
    )
    const second = await scene.ask({ headers: { authorization: 'Bearer two' } })
    expect([second.status, second.field('retry-after')]).toEqual([429, '6'])
    expect(scene.paid()).toBe(size)
  })

  const ranges = (range: string): Partial<Ask> => ({ headers: { range } })
  test.each<[string, Partial<Ask>, number]>([
    ['a download', {}, size],
    ['a range', ranges('bytes=10-19'), 10],
    ['the rest of an export, as a client resumes', ranges('bytes=50-'), size - 50],
  ])('is charged the length of %s', async (_, request, length) => {
    await using scene = await openBudgetScene({ perPrincipal: budget })
    await scene.ask(request)
    expect(scene.asks.map(({ cost, slots }) => [cost, slots])).toEqual([[length, []]])
    await scene.over(1)
    expect(scene.paid()).toBe(length)
  })

  test('is charged the whole length of several ranges, with the heads of their parts', async () => {
    const store = createMemoryStore({ 'acme/ready': 'x'.repeat(10_000) })
    const delivery = { multipleRanges: true }
    await using scene = await openBudgetScene({ perPrincipal: budget }, { store, delivery })
    const { body, field } = await scene.ask(ranges('bytes=0-1,8000-8001'))
    expect([field('content-type')?.split(';')[0], scene.asks[0]?.cost]).toEqual([
      'multipart/byteranges',
      body.length,
    ])
  })

  test.each<[string, Partial<Ask>, number]>([
    ['HEAD', { method: 'HEAD' }, 200],
    ['a 304', { headers: { 'if-none-match': '*' } }, 304],
    ['a 412', { headers: { 'if-match': '"other"' } }, 412],
    ['a 416', ranges('bytes=999-'), 416],
    ['a missing export', { path: pathOf(ids.missing) }, 404],
    ['an object that is gone', { path: pathOf(ids.gone) }, 404],
    ['an export without bytes', { path: pathOf(ids.empty) }, 200],
  ])('is not asked for %s, also while it owes', async (_, request, status) => {
    await using scene = await openBudgetScene({ perPrincipal: budget })
    await scene.ask()
    expect((await scene.ask(request)).status).toBe(status)
    expect(scene.asks).toHaveLength(1)
  })

  test.each<[string, SceneOptions]>([
    [
      'the store fails before the first byte',
      {
        store: createChaosStore(createMemoryStore({ 'acme/ready': 'x'.repeat(100_000) }), {
          faults: [{ does: 'cut', atByte: 0, times: 1_000 }],
        }),
        delivery: { resume: { attempts: 1 } },
      },
    ],
    ['the audit fails', { audit: () => Promise.reject(new Error('the audit is full')) }],
  ])('gets everything back when %s', async (_, options) => {
    await using scene = await openBudgetScene({ perPrincipal: budget }, options)
    expect((await scene.ask()).status).toBe(503)
    await scene.over(1)
    expect([scene.asks.length, scene.paid()]).toEqual([1, 0])
  })

  test('gets everything back when its answer comes after the client has left', async () => {
    const leaving = new AbortController()
    const { limiter, refunds } = openLimiter()
    const admit: RateLimiter['admit'] = async (ask, signal) => {
      const admission = await limiter.admit(ask, signal)
      if (ask.allowDebt === true) leaving.abort()
      return admission
    }
    await using scene = await openScene({ limits: { bytes: { perPrincipal: budget }, limiter: { admit } } })
    const fields = new Map([
      ['authorization', 'Bearer ann'],
      ['x-org-name', 'acme'],
    ])
    await scene.handler.handle({
      method: 'GET',
      params: { exportId: ids.ready },
      header: (name) => fields.get(name),
      signal: leaving.signal,
    })
    await expect.poll(() => refunds).toEqual([size])
  })

  test('gets back what an aborted download did not send, to the byte that the event says', async () => {
    const length = 50_000_000
    const store = createMemoryStore({ 'acme/ready': new Uint8Array(length) })
    await using scene = await openBudgetScene({ perPrincipal: { ...budget, capacity: length } }, { store })
    await leaveAfter(scene, 1_000_000)
    await scene.over(1)
    const [ended] = scene.ended()
    const { bytesSent } = ended as DownloadEnded
    expect([ended?.outcome, ended?.bytesPromised]).toEqual(['client_aborted', length])
    expect(bytesSent).toBeGreaterThan(0)
    expect(bytesSent).toBeLessThan(length)
    expect(scene.paid()).toBe(bytesSent)
    const left = (await scene.ask({ headers: { range: 'bytes=0-0' } })).field('ratelimit')
    expect(left).toContain(`"principal-bytes";r=${length - bytesSent - 1};`)
  })

  test('gets back what a cut and a drained download did not send', async () => {
    const store = createMemoryStore({ 'acme/ready': new Uint8Array(50_000_000) })
    await using scene = await openBudgetScene({ perPrincipal: { ...budget, capacity: 1 } }, { store })
    const started = leaveAfter(scene, Infinity)
    await expect.poll(() => scene.handler.downloads()[0]?.bytesSent).toBeGreaterThan(0)
    scene.handler.cut(() => true)
    await started
    await scene.over(1)
    expect(scene.ended()[0]?.outcome).toBe('cut')
    expect(scene.paid()).toBe(scene.ended()[0]?.bytesSent)
  })

  test('is charged for downloads by ticket, and each resume for its own bytes', async () => {
    const secret = Uint8Array.from({ length: 32 }, (_, index) => index)
    const tickets = createTickets({ keys: [{ id: 'a', secret }] })
    await using scene = await openBudgetScene({ perPrincipal: { ...budget, capacity: 1_000 } }, { tickets })
    const principal = { issuer: 'https://issuer.test', subject: 'ann', organizations: ['acme'] }
    const { query } = await scene.handler.issueTicket(
      {
        principal: { ...principal, capabilities: ['exports:download'], claims: {} },
        tenantName: 'acme',
        exportId: ids.ready,
      },
      new AbortController().signal,
    )
    const path = `${pathOf(ids.ready)}?${query}`
    const byTicket = { authorization: undefined, 'x-org-name': undefined }
    const whole = await scene.ask({ path, headers: byTicket })
    const etag = whole.field('etag') ?? ''
    await scene.ask({ path, headers: { ...byTicket, range: 'bytes=60-', 'if-range': etag } })
    expect(scene.asks.map(({ cost }) => cost)).toEqual([size, size - 60])
    expect(scene.asks[0]?.quotas[0]?.key).toEqual(['t-acme', 'principal-bytes', 'https://issuer.test', 'ann'])
  })

  test('is not paid by X-RateLimit fields, which know no unit', async () => {
    await using scene = await openBudgetScene({ perPrincipal: budget }, { limits: { legacyFields: true } })
    expect((await scene.ask()).field('x-ratelimit-remaining')).toBe('59')
  })

  test('refuses for as long as the quota of requests needs, if that is longer', async () => {
    const requests = { capacity: 2, refill: 1, perMs: 30_000 }
    await using scene = await openBudgetScene(
      { perPrincipal: budget },
      { limits: { perPrincipal: requests } },
    )
    await scene.ask()
    const refused = await scene.ask()
    expect([refused.status, refused.field('retry-after')]).toEqual([429, '30'])
    scene.clock.ms += 29_999
    expect((await scene.ask()).status).toBe(429)
    scene.clock.ms += 1
    expect((await scene.ask()).status).toBe(200)
  })

  test('that a limiter cannot count is a fault of the limiter, and the request is refused', async () => {
    const wrong = { capacity: 1, refill: 1, perMs: 2 ** 52 }
    await using scene = await openBudgetScene({ perPrincipal: () => wrong })
    expect((await scene.ask()).status).toBe(503)
    expect(scene.troubles().map(({ code }) => code)).toEqual(['limiter_failed'])
  })

  test('that is absent is not asked', async () => {
    await using scene = await openBudgetScene({}, { limits: { perPrincipal } })
    const { field } = await scene.ask()
    expect([scene.asks, field('ratelimit-policy')]).toEqual([[], '"principal";q=60;w=60'])
  })
})

/** Downloads, reads so many bytes and leaves. */
async function leaveAfter(scene: Scene, bytes: number): Promise<void> {
  const client = new AbortController()
  const response = await fetch(`http://127.0.0.1:${scene.port}${pathOf(ids.ready)}`, {
    headers: { authorization: 'Bearer ann', 'x-org-name': 'acme' },
    signal: client.signal,
  })
  const body: ReadableStream<Uint8Array> | null = response.body
  let read = 0
  try {
    for await (const chunk of body ?? []) {
      read += chunk.length
      if (read >= bytes) client.abort()
    }
  } catch {
    // Aborted, or cut by the handler.
  }
}
