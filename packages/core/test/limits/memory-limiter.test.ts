import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import { addressPrefixes } from '../../src/http/address-prefix.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { Admission, AdmissionAsk, Quota, RateLimiter } from '../../src/ports.ts'
import { debtSteps } from './debt-steps.ts'
import { createOracle, seeded } from './oracle.ts'

const here = new AbortController().signal

/** A limiter with a clock that the test sets. */
function onClock(options: { readonly maxKeys?: number } = {}): {
  clock: { ms: number }
  admit: (ask: Partial<AdmissionAsk>) => Promise<Admission>
} {
  const clock = { ms: 1_000_000 }
  const limiter = createMemoryLimiter({ ...options, now: () => clock.ms })
  return {
    clock,
    admit: (ask) => limiter.admit({ partition: '', quotas: [], slots: [], cost: 1, ...ask }, here),
  }
}

const perUser = (
  user: string,
  quota: Quota = { capacity: 3, refill: 1, perMs: 1_000 },
): AdmissionAsk['quotas'][number] => ({
  name: 'user',
  key: ['tenant', 'principal', user],
  quota,
})
const perTenant = (tenant: string, quota: Quota): AdmissionAsk['quotas'][number] => ({
  name: 'tenant',
  key: [tenant],
  quota,
})
const slot = (user: string, limit: number): AdmissionAsk['slots'][number] => ({
  name: 'downloads',
  key: ['tenant', user],
  limit,
  scope: 'fleet',
})

const release = (admission: Admission): void => {
  if (admission.admitted) admission.release()
}
const refund = (admission: Admission | undefined, tokens: number): void => {
  if (admission?.admitted) admission.refund(tokens)
}

/** The collector of garbage, which Node hides. */
function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
const heapAfter = (collect: () => void): number => {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

describe('a quota', () => {
  test('admits its capacity, then says when', async () => {
    const { clock, admit } = onClock()
    const ask = { quotas: [perUser('ada')] }
    expect(await admit(ask)).toMatchObject({
      admitted: true,
      left: [{ name: 'user', tokens: 2, nextMs: 1_000 }],
    })
    clock.ms += 250
    expect(await admit(ask)).toMatchObject({ admitted: true, left: [{ tokens: 1, nextMs: 750 }] })
    expect(await admit(ask)).toMatchObject({ admitted: true, left: [{ tokens: 0, nextMs: 750 }] })
    expect(await admit(ask)).toEqual({
      admitted: false,
      by: 'user',
      retryAfterMs: 750,
      left: [{ name: 'user', tokens: 0, nextMs: 750 }],
    })
    clock.ms += 749
    expect(await admit(ask)).toMatchObject({ admitted: false, retryAfterMs: 1 })
    clock.ms += 1
    expect(await admit(ask)).toMatchObject({ admitted: true, left: [{ tokens: 0, nextMs: 1_000 }] })
  })

  test('500 concurrent asks on a capacity of 10 admit exactly 10', async () => {
    const { admit } = onClock()
    const ask = { quotas: [perUser('ada', { capacity: 10, refill: 1, perMs: 1_000 })] }
    const answers = await Promise.all(Array.from({ length: 500 }, () => admit(ask)))
    expect(answers.filter(({ admitted }) => admitted)).toHaveLength(10)
  })

  test('of a full bucket has no next token', async () => {
    const { admit } = onClock()
    expect(await admit({ quotas: [perUser('ada')], cost: 0 })).toMatchObject({
      left: [{ tokens: 3, nextMs: 0 }],
    })
  })

  test('a cost of 0 is admitted while there is a token, and takes none', async () => {
    const { admit } = onClock()
    const quotas = [perUser('ada')]
    await admit({ quotas, cost: 2 })
    expect(await admit({ quotas, cost: 0 })).toMatchObject({ admitted: true, left: [{ tokens: 1 }] })
    expect(await admit({ quotas, cost: 0 })).toMatchObject({ admitted: true, left: [{ tokens: 1 }] })
    await admit({ quotas, cost: 1 })
    expect(await admit({ quotas, cost: 0 })).toMatchObject({
      admitted: false,
      by: 'user',
      retryAfterMs: 1_000,
    })
  })

  test('different keys, and different quotas of one key, are counted separately', async () => {
    const { admit } = onClock()
    await admit({ quotas: [perUser('ada')], cost: 3 })
    expect(await admit({ quotas: [perUser('ada')] })).toMatchObject({ admitted: false })
    expect(await admit({ quotas: [perUser('bob')] })).toMatchObject({ admitted: true })
    const changed = perUser('ada', { capacity: 4, refill: 1, perMs: 1_000 })
    expect(await admit({ quotas: [changed] })).toMatchObject({ admitted: true, left: [{ tokens: 3 }] })
  })

  test.each([
    { one: ['ab', 'c'], two: ['a', 'bc'] },
    { one: ['{a}', 'b'], two: ['{a}b', ''] },
    { one: ['a\nb'], two: ['a', 'b'] },
    { one: ['\ud800'], two: ['\udbff'] },
    { one: [`${'x'.repeat(65_536)}1`], two: [`${'x'.repeat(65_536)}2`] },
  ])('no key shares the bucket of another or gets a second one', async ({ one, two }) => {
    const { admit } = onClock()
    const quota = { capacity: 1, refill: 1, perMs: 1_000 }
    const ask = (key: readonly string[]): Promise<Admission> =>
      admit({ quotas: [{ name: 'user', key, quota }] })
    expect(await ask(one)).toMatchObject({ admitted: true })
    expect(await ask([...one])).toMatchObject({ admitted: false })
    expect(await ask(two)).toMatchObject({ admitted: true })
  })

  test('refills from the new time if the clock goes back an hour', async () => {
    const { clock, admit } = onClock()
    const ask = { quotas: [perUser('ada')] }
    await admit({ ...ask, cost: 3 })
    clock.ms -= 3_600_000
    expect(await admit(ask)).toMatchObject({
      admitted: false,
      retryAfterMs: 1_000,
      left: [{ nextMs: 1_000 }],
    })
    clock.ms += 999
    expect(await admit(ask)).toMatchObject({ admitted: false, retryAfterMs: 1 })
    clock.ms += 1
    expect(await admit(ask)).toMatchObject({ admitted: true })
  })

  test.each([1, 2, 3])(
    '12,000 random steps, with clock jumps both ways, equal the oracle (seed %i)',
    async (seed) => {
      const random = seeded(seed)
      const below = (most: number): number => Math.floor(random() * most)
      const { clock, admit } = onClock()
      let quota: Quota = { capacity: 1, refill: 1, perMs: 1 }
      let oracle = createOracle(quota)
      for (let step = 0; step < 12_000; step += 1) {
        if (step % 500 === 0) {
          quota = {
            capacity: 1 + below(50),
            refill: 1 + below(step % 1_000 === 0 ? 7 : 1_000_003),
            perMs: 1 + below(10 ** (1 + below(9))),
          }
          oracle = createOracle(quota)
        }
        const cost = below(Math.min(4, quota.capacity + 1))
        const expected = oracle.ask(cost, clock.ms)
        const answer = await admit({
          quotas: [{ name: 'user', key: ['user', `${step - (step % 500)}`], quota }],
          cost,
        })
        expect({ retryAfterMs: 0, ...answer }).toMatchObject({
          admitted: expected.admitted,
          retryAfterMs: expected.retryAfterMs,
          left: [{ name: 'user', tokens: expected.tokens, nextMs: expected.nextMs }],
        })
        const exactly = random() < 0.3 ? expected.retryAfterMs : below(quota.perMs)
        const jump = (below(7) - 3) * quota.perMs
        clock.ms += random() < 0.1 ? jump : exactly
      }
    },
  )
})

describe('a debt', () => {
  const budget = { capacity: 10, refill: 2, perMs: 1_000 }
  const ask = { quotas: [perUser('ada', budget)], allowDebt: true }

  test('is made by a cost above the capacity, and then all wait until it is paid', async () => {
    const { clock, admit } = onClock()
    expect(await admit({ ...ask, cost: 25 })).toMatchObject({
      admitted: true,
      left: [{ tokens: 0, nextMs: 8_000 }],
    })
    const refused = { admitted: false, by: 'user', left: [{ tokens: 0, nextMs: 8_000 }], retryAfterMs: 8_000 }
    expect(await admit({ ...ask, cost: 1 })).toMatchObject(refused)
    expect(await admit({ ...ask, cost: 1_000 })).toMatchObject(refused)
    clock.ms += 7_999
    expect(await admit({ ...ask, cost: 25 })).toMatchObject({ admitted: false, retryAfterMs: 1 })
    clock.ms += 1
    expect(await admit({ ...ask, cost: 25 })).toMatchObject({ admitted: true, left: [{ nextMs: 12_500 }] })
  })

  test('is reduced by what is given back', async () => {
    const { admit } = onClock()
    const first = await admit({ ...ask, cost: 25 })
    if (first.admitted) first.refund(14)
    expect(await admit({ ...ask, cost: 0 })).toMatchObject({ admitted: false, retryAfterMs: 1_000 })
    if (first.admitted) first.refund(2)
    expect(await admit({ ...ask, cost: 0 })).toMatchObject({ admitted: true, left: [{ tokens: 1 }] })
    if (first.admitted) first.refund(1_000)
    expect(await admit({ ...ask, cost: 0 })).toMatchObject({
      admitted: true,
      left: [{ tokens: 10, nextMs: 0 }],
    })
  })

  test('keeps its bucket in the table until it is paid and the bucket is full', async () => {
    const { clock, admit } = onClock({ maxKeys: 1 })
    await admit({ ...ask, cost: 25 })
    clock.ms += 12_000
    await admit({ quotas: [perUser('bob', budget)], allowDebt: true, cost: 1 })
    clock.ms += 490
    expect(await admit({ ...ask, cost: 1 })).toMatchObject({ admitted: true, left: [{ tokens: 8 }] })
  })

  test('is all or nothing for several quotas', async () => {
    const { admit } = onClock()
    const quotas = [perUser('ada', budget), perTenant('acme', { ...budget, capacity: 100 })]
    await admit({ ...ask, cost: 25 })
    expect(await admit({ quotas, allowDebt: true, cost: 50 })).toMatchObject({
      admitted: false,
      by: 'user',
      left: [{ tokens: 0 }, { tokens: 100 }],
    })
  })

  test('of hundreds of gigabytes is exact, also in a quota of a day', async () => {
    const { clock, admit } = onClock()
    const day = { capacity: 500_000_000_000, refill: 500_000_000_000, perMs: 86_400_000 }
    const quotas = [perUser('ada', day)]
    await admit({ quotas, allowDebt: true, cost: 799_999_999_999 })
    const retryAfterMs = 51_840_000 // 300 GB at 156,250 bytes in 27 ms
    expect(await admit({ quotas, allowDebt: true, cost: 1 })).toMatchObject({ admitted: false, retryAfterMs })
    clock.ms += retryAfterMs - 1
    expect(await admit({ quotas, allowDebt: true, cost: 1 })).toMatchObject({
      admitted: false,
      retryAfterMs: 1,
    })
    clock.ms += 1
    expect(await admit({ quotas, allowDebt: true, cost: 1 })).toMatchObject({ admitted: true })
  })

  test('that cannot be counted exactly is refused', async () => {
    const { admit } = onClock()
    const quotas = [perUser('ada', { capacity: 2 ** 50, refill: 1, perMs: 7 })]
    expect(await admit({ quotas, allowDebt: true, cost: 1 })).toMatchObject({ admitted: true })
    await expect(admit({ quotas, allowDebt: true, cost: 2 ** 50 })).rejects.toThrow(
      new RangeError('quota "user": capacity plus cost, times perMs, must be below 2^53'),
    )
  })

  test.each([1, 2, 3])(
    '12,000 random steps with debts, give-backs and clock jumps equal the oracle (seed %i)',
    async (seed) => {
      const { clock, admit } = onClock()
      let open: Promise<Admission>[] = []
      const { given, expected } = await debtSteps(seed, clock.ms, {
        begin: () => (open = []),
        at: (ms) => (clock.ms = ms),
        ask: (asked) => {
          const admission = admit(asked)
          open.push(admission)
          return admission
        },
        refund: async (nth, tokens) => refund(await open[nth], tokens),
      })
      expect(given).toEqual(expected)
      expect(new Set(given.map(({ admitted }) => admitted)).size).toBe(2)
    },
  )
})

describe('all or nothing', () => {
  const many = { capacity: 10, refill: 1, perMs: 1_000 }

  test('a quota that refuses takes nothing from the others, and the longest wait is returned', async () => {
    const { admit } = onClock()
    const quotas = [
      perUser('ada', { capacity: 1, refill: 1, perMs: 1_000 }),
      perTenant('acme', many),
      { name: 'hour', key: ['acme', 'hour'], quota: { capacity: 1, refill: 1, perMs: 3_600_000 } },
    ]
    await admit({ quotas })
    expect(await admit({ quotas, slots: [slot('ada', 1)] })).toEqual({
      admitted: false,
      by: 'user',
      retryAfterMs: 3_600_000,
      left: [
        { name: 'user', tokens: 0, nextMs: 1_000 },
        { name: 'tenant', tokens: 9, nextMs: 1_000 },
        { name: 'hour', tokens: 0, nextMs: 3_600_000 },
      ],
    })
    expect(await admit({ slots: [slot('ada', 1)] })).toMatchObject({ admitted: true })
  })

  test('a slot that refuses takes nothing from quotas and other slots', async () => {
    const { admit } = onClock()
    await admit({ slots: [slot('ada', 1)] })
    const ask = { quotas: [perTenant('acme', many)], slots: [slot('bob', 1), slot('ada', 1)] }
    expect(await admit({ ...ask, slots: [slot('bob', 1), { ...slot('ada', 1), name: 'mine' }] })).toEqual({
      admitted: false,
      by: 'mine',
      retryAfterMs: 1_000,
      left: [{ name: 'tenant', tokens: 10, nextMs: 0 }],
    })
    expect(await admit({ slots: [slot('bob', 1)] })).toMatchObject({ admitted: true })
  })
})

describe('a slot', () => {
  test('is held until it is released; a second release does nothing', async () => {
    const { admit } = onClock()
    const first = await admit({ slots: [slot('ada', 2)] })
    await admit({ slots: [slot('ada', 2)] })
    expect(await admit({ slots: [slot('ada', 2)] })).toMatchObject({
      admitted: false,
      by: 'downloads',
      retryAfterMs: 1_000,
    })
    release(first)
    release(first)
    expect(await admit({ slots: [slot('ada', 2)] })).toMatchObject({ admitted: true })
    expect(await admit({ slots: [slot('ada', 2)] })).toMatchObject({ admitted: false })
  })

  test('is taken even if the cost is 0', async () => {
    const { admit } = onClock()
    await admit({ slots: [slot('ada', 1)], cost: 0 })
    expect(await admit({ slots: [slot('ada', 1)], cost: 0 })).toMatchObject({ admitted: false })
  })

  test('a changed limit counts the slots that are in use', async () => {
    const { admit } = onClock()
    await admit({ slots: [slot('ada', 5)] })
    expect(await admit({ slots: [slot('ada', 1)] })).toMatchObject({ admitted: false })
    expect(await admit({ slots: [slot('ada', 2)] })).toMatchObject({ admitted: true })
  })

  test('a limit of 0 refuses every ask', async () => {
    const { admit } = onClock()
    expect(await admit({ slots: [slot('ada', 0)] })).toMatchObject({ admitted: false })
  })
})

describe('bounded memory', () => {
  const one = { capacity: 1, refill: 1, perMs: 1_000 }

  test('after a million other keys, an exhausted bucket is still exhausted, and memory is within the documented bound', async () => {
    const { clock, admit } = onClock()
    const hour = { capacity: 1, refill: 1, perMs: 3_600_000 }
    const collect = exposeCollector()
    await admit({ quotas: [perUser('ada', hour)] })
    const before = heapAfter(collect)
    let admitted = 0
    for (let step = 0; step < 1_000_000; step += 1) {
      if (step % 1_000 === 0) clock.ms += 1
      if ((await admit({ quotas: [perUser(`other-${step}`, hour)] })).admitted) admitted += 1
    }
    expect((heapAfter(collect) - before) / 100_000).toBeLessThan(300)
    expect(admitted).toBe(99_999 + 1)
    expect(await admit({ quotas: [perUser('ada', hour)] })).toMatchObject({
      admitted: false,
      retryAfterMs: 3_600_000 - 1_000,
    })
  }, 60_000)

  test('while no bucket can be evicted, new keys share one bucket per quota', async () => {
    const { admit } = onClock({ maxKeys: 2 })
    const two = { capacity: 2, refill: 1, perMs: 1_000 }
    await admit({ quotas: [perUser('ada', one)] })
    await admit({ quotas: [perUser('bob', one)] })
    expect(await admit({ quotas: [perUser('cyd', two)] })).toMatchObject({
      admitted: true,
      left: [{ tokens: 1 }],
    })
    expect(await admit({ quotas: [perUser('dan', two)] })).toMatchObject({
      admitted: true,
      left: [{ tokens: 0 }],
    })
    expect(await admit({ quotas: [perUser('eve', two)] })).toMatchObject({ admitted: false })
    expect(await admit({ quotas: [perUser('eve', one)] })).toMatchObject({ admitted: true })
    expect(await admit({ quotas: [perUser('ada', one)] })).toMatchObject({ admitted: false })
  })

  test('a full bucket is evicted, also behind some that are not full', async () => {
    const { clock, admit } = onClock({ maxKeys: 20 })
    const hour = { capacity: 1, refill: 1, perMs: 3_600_000 }
    for (let user = 0; user < 19; user += 1) await admit({ quotas: [perUser(`slow-${user}`, hour)] })
    await admit({ quotas: [perUser('quick', one)] })
    clock.ms += 1_000
    const own: boolean[] = []
    for (let user = 0; user < 6; user += 1)
      own.push((await admit({ quotas: [perUser('new', hour)] })).admitted)
    expect(own.filter(Boolean)).toHaveLength(2)
  })

  test('an ask never evicts one of its own buckets', async () => {
    const { clock, admit } = onClock({ maxKeys: 2 })
    const quotas = [perUser('ada', one), perTenant('acme', one)]
    await admit({ quotas: [perUser('ada', one)] })
    await admit({ quotas: [perUser('bob', one)] })
    clock.ms += 1_000
    expect(await admit({ quotas })).toMatchObject({ admitted: true })
    expect(await admit({ quotas: [perUser('ada', one)] })).toMatchObject({ admitted: false })
    expect(await admit({ quotas: [perTenant('acme', one)] })).toMatchObject({ admitted: false })
  })
})

describe('a table that clients without a token fill', () => {
  const few = { capacity: 2, refill: 1, perMs: 3_600_000 }
  const address = (text: string): AdmissionAsk['quotas'][number] => {
    const [key, ...coarser] = addressPrefixes(text).map((prefix) => [prefix])
    return { name: 'address', key: key ?? [], coarser, quota: few }
  }
  /** The site of one number, in networks of 256 sites. */
  const siteOf = (number: number, network = 0xdb8): string =>
    `2001:${network.toString(16)}:${(number >> 8).toString(16)}:${((number & 0xff) << 8).toString(16)}::1`

  test('takes no room from principals', async () => {
    const { admit } = onClock({ maxKeys: 1_000 })
    for (let number = 0; number < 5_000; number += 1) await admit({ quotas: [address(siteOf(number))] })
    const answers: boolean[] = []
    for (let user = 0; user < 1_000; user += 1)
      answers.push((await admit({ quotas: [perUser(`user-${user}`, few)] })).admitted)
    expect(answers).not.toContain(false)
  })

  test('leaves new addresses elsewhere their own tokens, and gives its own networks one bucket each', async () => {
    const { admit } = onClock({ maxKeys: 1_000 })
    for (let number = 0; number < 10_000; number += 1) await admit({ quotas: [address(siteOf(number))] })
    const honest: Admission[] = []
    for (let network = 0; network < 200; network += 1)
      honest.push(await admit({ quotas: [address(siteOf(1, 0x1000 + network))] }))
    honest.push(await admit({ quotas: [address('203.0.113.9')] }))
    expect(honest.map(({ admitted }) => admitted)).not.toContain(false)
    // site 9,999 is of the network that holds the last sites, and these have spent its tokens
    expect(await admit({ quotas: [address(siteOf(10_001))] })).toMatchObject({ admitted: false })
  })

  test('still limits a new address that is counted with its network', async () => {
    const { admit } = onClock({ maxKeys: 10 })
    for (let number = 0; number < 10; number += 1) await admit({ quotas: [address(siteOf(number))] })
    const ask = { quotas: [address('203.0.113.9')] }
    const answers = [await admit(ask), await admit(ask), await admit(ask)]
    expect(answers.map(({ admitted }) => admitted)).toEqual([true, true, false])
  })
})

describe('a refund', () => {
  const three = { capacity: 3, refill: 1, perMs: 1_000 }
  const tokens = async ({ admit }: ReturnType<typeof onClock>): Promise<number | undefined> =>
    (await admit({ quotas: [perUser('ada', three)], cost: 0 })).left[0]?.tokens

  test('returns the cost, and never more', async () => {
    const limiter = onClock()
    const first = await limiter.admit({ quotas: [perUser('ada', three)], cost: 2 })
    const second = await limiter.admit({ quotas: [perUser('ada', three)], cost: 1 })
    expect(await tokens(limiter)).toBe(0)
    refund(first, 1)
    expect(await tokens(limiter)).toBe(1)
    refund(first, 5)
    refund(first, 5)
    expect(await tokens(limiter)).toBe(2)
    refund(second, Number.NaN)
    refund(second, -1)
    refund(second, 0.5)
    expect(await tokens(limiter)).toBe(2)
  })

  test('never fills a bucket above its capacity, also after it has refilled', async () => {
    const limiter = onClock()
    const admission = await limiter.admit({ quotas: [perUser('ada', three)], cost: 2 })
    limiter.clock.ms += 60_000
    refund(admission, 2)
    expect(await tokens(limiter)).toBe(3)
    limiter.clock.ms -= 30_000
    expect(await tokens(limiter)).toBe(3)
  })

  test('removes a bucket that is full again', async () => {
    const { admit } = onClock({ maxKeys: 1 })
    for (const user of ['ada', 'bob', 'cyd', 'dan'])
      refund(await admit({ quotas: [perUser(user, three)], cost: 3 }), 3)
    const last = await admit({ quotas: [perUser('eve', three)], cost: 3 })
    expect(last.admitted).toBe(true)
    expect(await admit({ quotas: [perUser('fay', three)], cost: 3 })).toMatchObject({ admitted: true })
    expect(await admit({ quotas: [perUser('gus', three)], cost: 3 })).toMatchObject({ admitted: false })
  })

  test('that comes after its bucket was evicted goes to the bucket of the same key', async () => {
    const { clock, admit } = onClock({ maxKeys: 1 })
    const ask = { quotas: [perUser('ada', three)], cost: 1 }
    const old = await admit(ask)
    clock.ms += 1_000
    const other = await admit({ quotas: [perUser('bob', three)], cost: 1 })
    clock.ms += 1_000
    await admit({ ...ask, cost: 3 })
    refund(other, 1)
    expect(await admit(ask)).toMatchObject({ admitted: false })
    refund(old, 1)
    expect(await admit(ask)).toMatchObject({ admitted: true, left: [{ tokens: 0 }] })
  })
})

describe('an ask that cannot be counted exactly is refused', () => {
  const { admit } = onClock()
  const quota = { capacity: 3, refill: 1, perMs: 1_000 }

  test.each<{ title: string; ask: Partial<AdmissionAsk>; says: RegExp }>([
    {
      title: 'a broken quota',
      ask: { quotas: [perUser('a', { ...quota, refill: 0.5 })] },
      says: /^quota "user": capacity/u,
    },
    {
      title: 'a cost above the capacity',
      ask: { quotas: [perUser('a')], cost: 4 },
      says: /^quota "user": the cost/u,
    },
    { title: 'half a token', ask: { cost: 0.5 }, says: /^the cost/u },
    { title: 'a negative cost', ask: { quotas: [perUser('a')], cost: -1 }, says: /^the cost/u },
    {
      title: 'a limit that is no number',
      ask: { slots: [slot('a', Number.NaN)] },
      says: /^slot "downloads": the limit/u,
    },
    {
      title: 'one bucket twice',
      ask: { quotas: [perUser('a'), { ...perUser('a'), name: 'b' }] },
      says: /share a name or a key/u,
    },
    {
      title: 'one name twice',
      ask: { quotas: [perUser('a'), perUser('b')] },
      says: /share a name or a key/u,
    },
    { title: 'one slot twice', ask: { slots: [slot('a', 1), slot('a', 2)] }, says: /share a name or a key/u },
  ])('$title', async ({ ask, says }) => {
    await expect(admit(ask)).rejects.toThrow(says)
    await expect(admit(ask)).rejects.toThrow(RangeError)
  })

  test.each([0, -1, 1.5, Number.NaN, 16_777_217])('maxKeys of %s', (maxKeys) => {
    expect(() => createMemoryLimiter({ maxKeys })).toThrow(
      `createMemoryLimiter: maxKeys: must be keys: a whole number from 1 to 16777216; got ${maxKeys}`,
    )
  })
})

test('a caller that has left takes nothing', async () => {
  const limiter: RateLimiter = createMemoryLimiter()
  const ask = { partition: '', quotas: [], slots: [slot('ada', 1)], cost: 1 }
  const reason = new Error('gone')
  await expect(limiter.admit(ask, AbortSignal.abort(reason))).rejects.toBe(reason)
  expect(await limiter.admit(ask, here)).toMatchObject({ admitted: true })
})

test('the default clock is monotonic and in whole milliseconds', async () => {
  const limiter = createMemoryLimiter()
  const answer = await limiter.admit({ partition: '', quotas: [perUser('ada')], slots: [], cost: 1 }, here)
  expect(answer).toMatchObject({ admitted: true, left: [{ tokens: 2, nextMs: 1_000 }] })
})
