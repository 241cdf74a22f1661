import type { AdmissionAsk, Quota } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { startRedis } from '../../../../scripts/servers/redis.ts'
import type { Redis } from '../../../../scripts/servers/redis.ts'
import { debtSteps } from '../../../core/test/limits/debt-steps.ts'
import { createOracle, seeded } from '../../../core/test/limits/oracle.ts'
import { nameKeys } from '../../src/names.ts'
import { admitArgs, admitScript, refundArgs, refundScript } from '../../src/scripts.ts'
import { readVerdict } from '../../src/verdict.ts'
import type { Verdict } from '../../src/verdict.ts'
import { ioRedis } from './clients.ts'
import type { Client } from './clients.ts'

// The script that is published, but for the line that reads the server's clock: no server lets a test set it.
const testClock = `local now = tonumber(ARGV[#ARGV])`
const replayed = admitScript(testClock)
const replayedRefund = refundScript(testClock)
const quotaOf = (user: string, quota: Quota): AdmissionAsk['quotas'][number] => ({
  name: 'user',
  key: ['acme', user],
  quota,
})

describe.skipIf(!isHere('redis'))('the script, on a clock that the test sets', () => {
  let redis: Redis
  let client: Client
  beforeAll(async () => {
    redis = await startRedis()
    client = await ioRedis(redis.port)
  })
  afterAll(async () => {
    await client.close()
    await redis.close()
  })

  let leases = 0
  const admit = async (asked: Partial<AdmissionAsk>, nowMs: number): Promise<Verdict> => {
    const ask = { partition: 'acme', quotas: [], slots: [], cost: 1, ...asked }
    const { quotas, slots } = nameKeys('test', ask)
    leases += 1
    const args = [...admitArgs(ask, `lease-${leases}`, 30_000), String(nowMs)]
    const keys = [...quotas, ...slots]
    return readVerdict(
      await client.send(['EVAL', replayed, String(keys.length), ...keys, ...args], keys[0] ?? ''),
      ask,
    )
  }

  test.each([1, 2, 3])(
    '12,000 random steps, with clock jumps both ways, equal the oracle (seed %i)',
    async (seed) => {
      const random = seeded(seed)
      const below = (most: number): number => Math.floor(random() * most)
      let now = 1_700_000_000_000
      for (let round = 0; round < 24; round += 1) {
        const quota = {
          capacity: 1 + below(50),
          refill: 1 + below(round % 2 === 0 ? 7 : 1_000_003),
          perMs: 1 + below(10 ** (1 + below(9))),
        }
        const oracle = createOracle(quota)
        const expected: object[] = []
        const answers: Promise<Verdict>[] = []
        // all steps of a round in one breath, for a key lives by the true clock
        for (let step = 0; step < 500; step += 1) {
          const cost = below(Math.min(4, quota.capacity + 1))
          const { admitted, tokens, nextMs, retryAfterMs } = oracle.ask(cost, now)
          expected.push({ admitted, retryAfterMs, left: [{ name: 'user', tokens, nextMs }] })
          answers.push(admit({ quotas: [quotaOf(`${seed}-${round}`, quota)], cost }, now))
          const exactly = random() < 0.3 ? retryAfterMs : below(quota.perMs)
          const jump = (below(7) - 3) * quota.perMs
          now += random() < 0.1 ? jump : exactly
        }
        const given = await Promise.all(answers)
        for (const [step, verdict] of given.entries())
          expect({ retryAfterMs: 0, ...verdict }).toMatchObject(expected[step] ?? {})
      }
    },
  )

  test.each([1, 2, 3])(
    '12,000 random steps with debts, give-backs and clock jumps equal the oracle (seed %i)',
    async (seed) => {
      let now = 0
      let asked: Pick<AdmissionAsk, 'quotas' | 'cost'>[] = []
      const { given, expected } = await debtSteps(seed, 1_700_000_000_000, {
        begin: () => (asked = []),
        at: (ms) => (now = ms),
        ask: (ask) => {
          asked.push(ask)
          return admit(ask, now)
        },
        // One connection: the script runs after all that were sent before.
        refund: async (nth, tokens) => {
          const ask = { partition: 'acme', slots: [], quotas: [], cost: 0, ...asked[nth] }
          const [key = ''] = nameKeys('test', ask).quotas
          await client.send(['EVAL', replayedRefund, '1', key, ...refundArgs(ask, tokens), String(now)], key)
        },
      })
      expect(given).toEqual(expected)
    },
  )

  test('is exact up to 2^53', async () => {
    const quota = { capacity: 3, refill: 1, perMs: 3_002_399_751_580_330 }
    const quotas = [quotaOf('edge', quota)]
    expect(quota.capacity * quota.perMs).toBe(Number.MAX_SAFE_INTEGER - 1)
    expect(await admit({ quotas, cost: 3 }, 1_700_000_000_000)).toMatchObject({
      left: [{ tokens: 0, nextMs: quota.perMs }],
    })
    expect(await admit({ quotas, cost: 3 }, 1_700_000_000_001)).toMatchObject({
      admitted: false,
      retryAfterMs: quota.perMs * 3 - 1,
    })
  })

  test('500 concurrent asks on a capacity of 10 admit exactly 10; the next after exactly retryAfterMs', async () => {
    const quotas = [quotaOf('crowd', { capacity: 10, refill: 1, perMs: 1_000 })]
    const answers = await Promise.all(Array.from({ length: 500 }, async () => admit({ quotas }, 5_000)))
    expect(answers.filter(({ admitted }) => admitted)).toHaveLength(10)
    expect(await admit({ quotas }, 5_400)).toMatchObject({ admitted: false, retryAfterMs: 600 })
    expect(await admit({ quotas }, 5_999)).toMatchObject({ admitted: false, retryAfterMs: 1 })
    expect(await admit({ quotas }, 6_000)).toMatchObject({ admitted: true })
  })

  test('all or nothing: a refused ask has taken nothing', async () => {
    const quotas = [
      quotaOf('whole', { capacity: 5, refill: 1, perMs: 1_000 }),
      { ...quotaOf('spent', { capacity: 1, refill: 1, perMs: 7_000 }), name: 'spent' },
    ]
    const slots: AdmissionAsk['slots'] = [
      { name: 'downloads', key: ['acme', 'whole'], limit: 1, scope: 'fleet' },
    ]
    await admit({ quotas }, 1_000)
    expect(await admit({ quotas, slots }, 1_000)).toEqual({
      admitted: false,
      by: 'spent',
      retryAfterMs: 7_000,
      left: [
        { name: 'user', tokens: 4, nextMs: 1_000 },
        { name: 'spent', tokens: 0, nextMs: 7_000 },
      ],
    })
    expect(await admit({ slots }, 1_000)).toMatchObject({ admitted: true })
    expect(await admit({ quotas: quotas.slice(0, 1), slots }, 1_000)).toMatchObject({
      admitted: false,
      by: 'downloads',
    })
    expect(await admit({ quotas: quotas.slice(0, 1), cost: 0 }, 1_000)).toMatchObject({
      left: [{ tokens: 4 }],
    })
  })

  test('a cost of 0 takes no token, and is refused if there is none', async () => {
    const quotas = [quotaOf('look', { capacity: 1, refill: 1, perMs: 1_000 })]
    expect(await admit({ quotas, cost: 0 }, 1_000)).toMatchObject({
      admitted: true,
      left: [{ tokens: 1, nextMs: 0 }],
    })
    await admit({ quotas }, 1_000)
    expect(await admit({ quotas, cost: 0 }, 1_000)).toMatchObject({ admitted: false, retryAfterMs: 1_000 })
  })

  test('a lease that is not renewed expires', async () => {
    const slots: AdmissionAsk['slots'] = [
      { name: 'downloads', key: ['acme', 'leased'], limit: 2, scope: 'fleet' },
    ]
    await admit({ slots }, 1_000)
    await admit({ slots }, 2_000)
    expect(await admit({ slots }, 30_999)).toMatchObject({
      admitted: false,
      by: 'downloads',
      retryAfterMs: 1_000,
    })
    expect(await admit({ slots }, 31_000)).toMatchObject({ admitted: true })
    expect(await admit({ slots }, 31_000)).toMatchObject({ admitted: false })
    expect(await admit({ slots }, 32_000)).toMatchObject({ admitted: true })
  })

  const refund = async (asked: AdmissionAsk['quotas'], tokens: number, nowMs: number): Promise<unknown> => {
    const ask = { partition: 'acme', quotas: asked, slots: [], cost: 1 }
    const { quotas } = nameKeys('test', ask)
    const args = [...refundArgs(ask, tokens), String(nowMs)]
    return client.send(['EVAL', replayedRefund, String(quotas.length), ...quotas, ...args], quotas[0] ?? '')
  }

  test('a clock that goes back an hour: the bucket refills from there, and a slot expires within its lease', async () => {
    const quotas = [quotaOf('back', { capacity: 3, refill: 1, perMs: 1_000 })]
    const slots: AdmissionAsk['slots'] = [
      { name: 'downloads', key: ['acme', 'back'], limit: 1, scope: 'fleet' },
    ]
    const hour = 3_600_000
    await admit({ quotas, cost: 3 }, 2 * hour)
    await admit({ slots }, 2 * hour)
    expect(await admit({ quotas }, hour)).toMatchObject({ admitted: false, retryAfterMs: 1_000 })
    expect(await admit({ quotas }, hour + 999)).toMatchObject({ admitted: false, retryAfterMs: 1 })
    expect(await admit({ quotas }, hour + 1_000)).toMatchObject({ admitted: true })
    expect(await admit({ slots }, hour)).toMatchObject({ admitted: false })
    expect(await admit({ slots }, hour + 29_999)).toMatchObject({ admitted: false })
    expect(await admit({ slots }, hour + 30_000)).toMatchObject({ admitted: true })
  })

  test('a refund returns the cost, and a full bucket leaves no key', async () => {
    const quotas = [
      quotaOf('refund', { capacity: 3, refill: 1, perMs: 1_000 }),
      { ...quotaOf('refund', { capacity: 9, refill: 1, perMs: 1_000 }), name: 'other' },
    ]
    await admit({ quotas, cost: 3 }, 1_000)
    await refund(quotas, 2, 1_500)
    expect(await admit({ quotas, cost: 0 }, 1_500)).toMatchObject({
      left: [
        { tokens: 2, nextMs: 500 },
        { tokens: 8, nextMs: 500 },
      ],
    })
    await refund(quotas, 1, 1_500)
    const names = nameKeys('test', { partition: 'acme', quotas, slots: [], cost: 0 }).quotas
    expect(await client.send(['EXISTS', ...names], names[0] ?? '')).toBe(0)
    expect(await admit({ quotas, cost: 0 }, 1_500)).toMatchObject({ left: [{ tokens: 3 }, { tokens: 9 }] })
  })

  test('a denial writes nothing', async () => {
    const ask = { quotas: [quotaOf('denied', { capacity: 1, refill: 1, perMs: 60_000 })] }
    const { quotas } = nameKeys('test', { ...ask, partition: 'acme', slots: [], cost: 1 })
    const key = quotas[0] ?? ''
    await admit(ask, 1_000)
    const before = await client.send(['HGETALL', key], key)
    expect(await admit(ask, 20_000)).toMatchObject({ admitted: false })
    expect(await client.send(['HGETALL', key], key)).toEqual(before)
  })

  test('every key it wrote expires by itself', async () => {
    const keys = (await client.send(['KEYS', '*'], '')) as string[]
    expect(keys.length).toBeGreaterThan(10)
    const lives = await Promise.all(keys.map(async (key) => client.send(['PTTL', key], key)))
    expect(lives.map(Number)).not.toContain(-1)
  })
})
