import type { Admission, AdmissionAsk } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { startRedis } from '../../../../scripts/servers/redis.ts'
import type { Redis } from '../../../../scripts/servers/redis.ts'
import { createRedisLimiter } from '../../src/redis-limiter.ts'
import { clients } from './clients.ts'
import type { Client } from './clients.ts'

const here = new AbortController().signal
const asking = (key: readonly string[], capacity: number, perMs = 3_600_000): AdmissionAsk => ({
  quotas: [{ name: 'user', key, quota: { capacity, refill: 1, perMs } }],
  slots: [],
  cost: 1,
})
const release = (admission: Admission): void => {
  if (admission.admitted) admission.release()
}

describe.skipIf(!isHere('redis')).each(clients)('the limiter by $kind', ({ kind, connect }) => {
  let redis: Redis
  let client: Client
  beforeAll(async () => {
    redis = await startRedis()
    client = await connect(redis.port)
  })
  afterAll(async () => {
    await client.close()
    await redis.close()
  })
  // No outage in these tests, however busy the machine is.
  const limiterOf = (): ReturnType<typeof createRedisLimiter> =>
    createRedisLimiter({ send: client.send, timeoutMs: 5_000 })
  const places = async (key: string): Promise<number> => Number(await client.send(['ZCARD', key], key))
  const onlyKey = async (pattern: string): Promise<string> => {
    const keys = (await client.send(['KEYS', pattern], '')) as string[]
    expect(keys).toHaveLength(1)
    return keys[0] ?? ''
  }

  test('500 at once on a capacity of 10 admit 10, and what the time gives', async () => {
    const [one, two] = [limiterOf(), limiterOf()]
    const ask = asking(['acme', 'crowd'], 10, 100)
    const start = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 500 }, async (_, index) => (index % 2 === 0 ? one : two).admit(ask, here)),
    )
    const refilled = (performance.now() - start) / 100
    const admitted = answers.filter((answer) => answer.admitted).length
    expect(admitted).toBeGreaterThanOrEqual(10)
    expect(admitted).toBeLessThanOrEqual(10 + Math.ceil(refilled))
  })

  test('after exactly retryAfterMs it admits', async () => {
    const limiter = limiterOf()
    const ask = asking(['acme', 'patient'], 1, 150)
    await limiter.admit(ask, here)
    const refused = await limiter.admit(ask, here)
    expect(refused).toMatchObject({ admitted: false, by: 'user' })
    const { retryAfterMs } = { retryAfterMs: 0, ...refused }
    expect(retryAfterMs).toBeLessThanOrEqual(150)
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs + 1))
    expect(await limiter.admit(ask, here)).toMatchObject({ admitted: true })
  })

  test('processes count together', async () => {
    const [one, two] = [limiterOf(), limiterOf()]
    const slots = [{ name: 'downloads', key: ['acme', 'shared'], limit: 2 }]
    const ask = { ...asking(['acme', 'shared'], 3), slots }
    const first = await one.admit(ask, here)
    expect(await two.admit(ask, here)).toMatchObject({ admitted: true, left: [{ tokens: 1 }] })
    expect(await one.admit(ask, here)).toMatchObject({
      admitted: false,
      by: 'downloads',
      left: [{ tokens: 1 }],
    })
    release(first)
    expect(await two.admit(ask, here)).toMatchObject({ admitted: true, left: [{ tokens: 0 }] })
    expect(await one.admit(ask, here)).toMatchObject({ admitted: false, by: 'user' })
  })

  test('places that were given back leave nothing behind', async () => {
    const limiter = createRedisLimiter({ send: client.send, timeoutMs: 5_000, prefix: `left-${kind}` })
    const slots = [
      { name: 'user', key: ['acme', 'principal', 'ada'], limit: 100 },
      { name: 'tenant', key: ['acme', 'tenant'], limit: 100 },
    ]
    const admissions = await Promise.all(
      Array.from({ length: 100 }, async () => limiter.admit({ quotas: [], slots, cost: 1 }, here)),
    )
    expect(await limiter.admit({ quotas: [], slots, cost: 1 }, here)).toMatchObject({
      admitted: false,
      by: 'user',
    })
    for (const admission of admissions) release(admission)
    // one connection, so this is asked after all of them
    expect(await client.send(['KEYS', `left-${kind}:*`], '')).toEqual([])
  })

  test('a flushed script is sent again, and the buckets stand', async () => {
    const limiter = limiterOf()
    const told: string[] = []
    limiter.onTrouble?.((code) => told.push(code))
    const ask = asking(['acme', 'flush'], 3)
    await limiter.admit(ask, here)
    await client.send(['SCRIPT', 'FLUSH'], '')
    expect(await limiter.admit(ask, here)).toMatchObject({ admitted: true, left: [{ tokens: 1 }] })
    await client.send(['SCRIPT', 'FLUSH'], '')
    const answers = await Promise.all(Array.from({ length: 50 }, async () => limiter.admit(ask, here)))
    expect(answers.filter(({ admitted }) => admitted)).toHaveLength(1)
    expect(told).toEqual([])
  })

  test('adversarial names never share or escape a bucket', async () => {
    const limiter = limiterOf()
    const parts = [
      '{',
      '}',
      '{}',
      '{a}',
      'a\nb',
      'a',
      'b',
      'a\u0000',
      '\r\n',
      '*',
      '',
      ' ',
      'é',
      'e\u0301',
      '\ud800',
      '\udfff',
      '\ufffd',
      '💥',
    ]
    const long = ['1', '2'].map((end) => 'x'.repeat(65_536) + end)
    const keys = [...parts, ...long].flatMap((part) => [
      [part],
      [part, ''],
      ['', part],
      [part, part],
      [`${part}a`, 'b'],
      [part, 'ab'],
    ])
    const distinct = new Map(keys.map((key) => [JSON.stringify(key), key]))
    const ask = async (key: readonly string[]): Promise<boolean> =>
      (await limiter.admit(asking(key, 1), here)).admitted
    const shared: unknown[] = []
    const escaped: unknown[] = []
    for (const key of distinct.values()) if (!(await ask(key))) shared.push(key)
    for (const key of distinct.values()) if (await ask([...key])) escaped.push(key)
    expect({ shared, escaped }).toEqual({ shared: [], escaped: [] })
    const written = (await client.send(['KEYS', '*'], '')) as string[]
    for (const key of written) expect(key).toMatch(/^[\w-]+:\{[\w-]{16}\}:[qs]:[\w-]{43}$/)
  })

  test('a lease is renewed for as long as the download runs', async () => {
    const limiter = createRedisLimiter({
      send: client.send,
      timeoutMs: 100,
      leaseMs: 600,
      prefix: `long-${kind}`,
    })
    const slots = [{ name: 'downloads', key: ['acme'], limit: 1 }]
    const admission = await limiter.admit({ quotas: [], slots, cost: 1 }, here)
    const key = await onlyKey(`long-${kind}:*`)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(await places(key)).toBe(1)
    expect(await limiter.admit({ quotas: [], slots, cost: 1 }, here)).toMatchObject({ admitted: false })
    release(admission)
    expect(await places(key)).toBe(0)
  })
})
