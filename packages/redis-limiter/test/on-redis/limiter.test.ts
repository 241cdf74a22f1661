import type { Admission, AdmissionAsk } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { startRedis } from '../../../../scripts/servers/redis.ts'
import type { Redis } from '../../../../scripts/servers/redis.ts'
import { nameKeys } from '../../src/names.ts'
import { createRedisLimiter } from '../../src/redis-limiter.ts'
import { clients } from './clients.ts'
import type { Client } from './clients.ts'

const here = new AbortController().signal
const asking = (key: readonly string[], capacity: number, perMs = 3_600_000): AdmissionAsk => ({
  partition: key[0] ?? '',
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
  const slotCount = async (key: string): Promise<number> => Number(await client.send(['ZCARD', key], key))
  const onlyKey = async (pattern: string): Promise<string> => {
    const keys = (await client.send(['KEYS', pattern], '')) as string[]
    expect(keys).toHaveLength(1)
    return keys[0] ?? ''
  }

  test('500 concurrent asks on a capacity of 10 admit 10, and what refills meanwhile', async () => {
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

  test('all processes count together', async () => {
    const [one, two] = [limiterOf(), limiterOf()]
    const slots: AdmissionAsk['slots'] = [
      { name: 'downloads', key: ['acme', 'shared'], limit: 2, scope: 'fleet' },
    ]
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

  test('released slots leave no key', async () => {
    const limiter = createRedisLimiter({ send: client.send, timeoutMs: 5_000, prefix: `left-${kind}` })
    const slots: AdmissionAsk['slots'] = [
      { name: 'user', key: ['acme', 'principal', 'ada'], limit: 100, scope: 'fleet' },
      { name: 'tenant', key: ['acme', 'tenant'], limit: 100, scope: 'fleet' },
    ]
    const admissions = await Promise.all(
      Array.from({ length: 100 }, async () =>
        limiter.admit({ partition: 'acme', quotas: [], slots, cost: 1 }, here),
      ),
    )
    expect(await limiter.admit({ partition: 'acme', quotas: [], slots, cost: 1 }, here)).toMatchObject({
      admitted: false,
      by: 'user',
    })
    for (const admission of admissions) release(admission)
    // one connection, so this is asked after all of them
    expect(await client.send(['KEYS', `left-${kind}:*`], '')).toEqual([])
  })

  test('a flushed script is sent again, and the buckets are kept', async () => {
    const limiter = limiterOf()
    const reported: string[] = []
    limiter.onTrouble?.((code) => reported.push(code))
    const ask = asking(['acme', 'flush'], 3)
    await limiter.admit(ask, here)
    await client.send(['SCRIPT', 'FLUSH'], '')
    expect(await limiter.admit(ask, here)).toMatchObject({ admitted: true, left: [{ tokens: 1 }] })
    await client.send(['SCRIPT', 'FLUSH'], '')
    const answers = await Promise.all(Array.from({ length: 50 }, async () => limiter.admit(ask, here)))
    expect(answers.filter(({ admitted }) => admitted)).toHaveLength(1)
    expect(reported).toEqual([])
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

  test('a refund is seen by all processes', async () => {
    const [one, two] = [limiterOf(), limiterOf()]
    const ask = asking(['acme', 'refunded'], 5)
    const admission = await one.admit({ ...ask, cost: 5 }, here)
    expect(await two.admit(ask, here)).toMatchObject({ admitted: false })
    if (admission.admitted) admission.refund(2)
    // one connection, so this is asked after it
    expect((await one.admit({ ...ask, cost: 0 }, here)).left[0]?.tokens).toBe(2)
    expect(await two.admit(ask, here)).toMatchObject({ admitted: true, left: [{ tokens: 1 }] })
  })

  test('a key with a value of another type affects no other key, and is not changed', async () => {
    const prefix = `wrong-${kind}`
    const limiter = createRedisLimiter({ send: client.send, timeoutMs: 5_000, onOutage: 'closed', prefix })
    const reported: string[] = []
    limiter.onTrouble?.((code) => reported.push(code))
    const slotsOf = (user: string): AdmissionAsk['slots'] => [
      { name: 'downloads', key: ['acme', user], limit: 2, scope: 'fleet' },
    ]
    const eve = { ...asking(['acme', 'eve'], 100), slots: slotsOf('eve') }
    const [broken = ''] = nameKeys(prefix, eve).slots
    await client.send(['SET', broken, 'mine'], broken)
    for (let step = 0; step < 12; step += 1)
      await expect(limiter.admit(eve, here)).rejects.toMatchObject({ data: { kind: 'unavailable' } })
    const bob = { ...asking(['acme', 'bob'], 100), slots: slotsOf('bob') }
    expect(await limiter.admit(bob, here)).toMatchObject({ admitted: true, left: [{ tokens: 99 }] })
    expect(reported).toEqual(['limiter_key_unusable'])
    expect(await client.send(['GET', broken], broken)).toBe('mine')
    expect(Number(await client.send(['PTTL', broken], broken))).toBe(-1)
  })

  test('a slot under a key of another type does not stop the renewal of the others', async () => {
    const prefix = `renewed-${kind}`
    const limiter = createRedisLimiter({ send: client.send, timeoutMs: 100, leaseMs: 600, prefix })
    const reported: string[] = []
    limiter.onTrouble?.((code) => reported.push(code))
    const ask = asking(['acme', 'ann'], 100)
    const slots: AdmissionAsk['slots'] = [
      { name: 'one', key: ['acme', 'one'], limit: 5, scope: 'fleet' },
      { name: 'two', key: ['acme', 'two'], limit: 5, scope: 'fleet' },
    ]
    const admission = await limiter.admit({ ...ask, quotas: [], slots }, here)
    const [broken = '', sound = ''] = nameKeys(prefix, { ...ask, slots }).slots
    await client.send(['SET', broken, 'mine'], broken)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(await slotCount(sound)).toBe(1)
    expect(await client.send(['GET', broken], broken)).toBe('mine')
    release(admission)
    expect(reported).toEqual([])
  })

  test('a lease is renewed for as long as the download runs', async () => {
    const limiter = createRedisLimiter({
      send: client.send,
      timeoutMs: 100,
      leaseMs: 600,
      prefix: `long-${kind}`,
    })
    const slots: AdmissionAsk['slots'] = [{ name: 'downloads', key: ['acme'], limit: 1, scope: 'fleet' }]
    const admission = await limiter.admit({ partition: 'acme', quotas: [], slots, cost: 1 }, here)
    const key = await onlyKey(`long-${kind}:*`)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(await slotCount(key)).toBe(1)
    expect(await limiter.admit({ partition: 'acme', quotas: [], slots, cost: 1 }, here)).toMatchObject({
      admitted: false,
    })
    release(admission)
    expect(await slotCount(key)).toBe(0)
  })
})
