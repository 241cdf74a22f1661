import type { Admission, AdmissionAsk, RateLimiter } from '@sallyport/core'
import { describe, expect, test } from 'vitest'

import { nameKeys } from '../src/names.ts'
import { createRedisLimiter } from '../src/redis-limiter.ts'
import type { Command, RedisLimiterOptions } from '../src/redis-limiter.ts'

const here = new AbortController().signal
const ask: AdmissionAsk = {
  partition: 'acme',
  quotas: [{ name: 'user', key: ['acme', 'ada'], quota: { capacity: 60, refill: 1, perMs: 1_000 } }],
  slots: [{ name: 'downloads', key: ['acme', 'ada'], limit: 4, scope: 'fleet' }],
  cost: 1,
}
const total = (limit: number): AdmissionAsk['slots'][number] => ({
  name: 'total',
  key: ['total'],
  limit,
  scope: 'process',
})

/** A limiter with a client that gives prepared answers, and the commands and trouble codes so far. */
function onClient(
  answer: (command: Command) => Promise<unknown>,
  options: Partial<RedisLimiterOptions> = {},
): { limiter: RateLimiter; sent: Command[]; reported: string[] } {
  const sent: Command[] = []
  const reported: string[] = []
  const send = async (command: Command): Promise<unknown> => {
    sent.push(command)
    return answer(command)
  }
  const limiter = createRedisLimiter({ send, timeoutMs: 20, ...options })
  limiter.onTrouble?.((code) => reported.push(code))
  return { limiter, sent, reported }
}
const admits = async (): Promise<unknown> => [0, 0, 59, 1_000]
const hangs = async (): Promise<unknown> => new Promise(() => undefined)
const fails = async (): Promise<unknown> => Promise.reject(new Error('ECONNREFUSED'))
const release = (admission: Admission): void => {
  if (admission.admitted) admission.release()
}
const names = (commands: readonly Command[]): string[] => commands.map(([name]) => name)

describe('while Redis answers', () => {
  test('Redis decides', async () => {
    const { limiter, sent, reported } = onClient(admits)
    expect(await limiter.admit(ask, here)).toMatchObject({
      admitted: true,
      left: [{ name: 'user', tokens: 59, nextMs: 1_000 }],
    })
    expect(names(sent)).toEqual(['EVALSHA'])
    expect(reported).toEqual([])
  })

  test('a slot is released once, with the id of its lease', async () => {
    const { limiter, sent } = onClient(admits)
    const admission = await limiter.admit(ask, here)
    release(admission)
    release(admission)
    const [, , , , place, , , id] = sent[0] ?? []
    expect(sent.slice(1)).toEqual([['ZREM', place, id]])
  })

  test('a refusal is passed on, and takes no slot', async () => {
    const { limiter, sent } = onClient(async () => [1, 350, 0, 350])
    expect(await limiter.admit(ask, here)).toEqual({
      admitted: false,
      by: 'user',
      retryAfterMs: 350,
      left: [{ name: 'user', tokens: 0, nextMs: 350 }],
    })
    expect(sent).toHaveLength(1)
  })
})

describe('the process slot', () => {
  test('is checked first, and not in Redis', async () => {
    const { limiter, sent } = onClient(admits)
    const full = { ...ask, slots: [...ask.slots, total(1)] }
    const first = await limiter.admit(full, here)
    expect(await limiter.admit(full, here)).toEqual({
      admitted: false,
      by: 'total',
      retryAfterMs: 1_000,
      left: [],
    })
    expect(names(sent)).toEqual(['EVALSHA'])
    release(first)
    expect(await limiter.admit(full, here)).toMatchObject({ admitted: true })
  })

  test('alone sends nothing to Redis', async () => {
    const { limiter, sent } = onClient(admits)
    expect(
      await limiter.admit({ partition: 'acme', quotas: [], slots: [total(1)], cost: 1 }, here),
    ).toMatchObject({
      admitted: true,
    })
    expect(sent).toEqual([])
  })

  test.each([
    { why: 'refuses', answer: async (): Promise<unknown> => [1, 350, 0, 350], options: {} },
    { why: 'is out, and onOutage is closed', answer: fails, options: { onOutage: 'closed' as const } },
  ])('is not used up if Redis $why', async ({ answer, options }) => {
    const { limiter } = onClient(answer, options)
    const full = { ...ask, slots: [...ask.slots, total(1)] }
    await limiter.admit(full, here).catch(() => undefined)
    expect(
      await limiter.admit({ partition: 'acme', quotas: [], slots: [total(1)], cost: 1 }, here),
    ).toMatchObject({
      admitted: true,
    })
  })
})

describe.each([
  { how: 'hangs', answer: hangs },
  { how: 'fails', answer: fails },
  {
    how: 'throws at once',
    answer: (): Promise<unknown> => {
      throw new Error('client is closed')
    },
  },
  { how: 'talks nonsense', answer: async (): Promise<unknown> => 'OK' },
  { how: 'gives nothing', answer: async (): Promise<unknown> => [null, null, null, null] },
  { how: 'gives empty texts', answer: async (): Promise<unknown> => ['', '', '', ''] },
  { how: 'gives empty lists', answer: async (): Promise<unknown> => [[], [], [], []] },
  { how: 'gives false', answer: async (): Promise<unknown> => [false, false, false, false] },
  { how: 'gives blanks', answer: async (): Promise<unknown> => [' ', ' ', ' ', ' '] },
  { how: 'gives hexadecimal', answer: async (): Promise<unknown> => ['0x0', '0x0', '0x1', '0x1'] },
  { how: 'gives exponents', answer: async (): Promise<unknown> => ['0e0', '0e0', '1e0', '1e0'] },
  { how: 'knows no script', answer: async (): Promise<unknown> => Promise.reject(new Error('NOSCRIPT')) },
])('while Redis $how', ({ answer }) => {
  test('a process admits its share, and reports once', async () => {
    const { limiter, reported } = onClient(answer, { processes: 4 })
    const answers: Admission[] = []
    for (let step = 0; step < 20; step += 1) answers.push(await limiter.admit({ ...ask, slots: [] }, here))
    expect(answers.map(({ admitted }) => admitted)).toEqual([
      ...Array<boolean>(15).fill(true),
      ...Array<boolean>(5).fill(false),
    ])
    expect(reported).toEqual(['limiter_local'])
  })

  test('slots are divided, too, and can be released', async () => {
    const { limiter } = onClient(answer, { processes: 2 })
    const first = await limiter.admit(ask, here)
    await limiter.admit(ask, here)
    expect(await limiter.admit(ask, here)).toMatchObject({ admitted: false, by: 'downloads' })
    release(first)
    expect(await limiter.admit(ask, here)).toMatchObject({ admitted: true })
  })

  test('a cost may put its share of a budget into debt, and what is given back reduces it', async () => {
    const { limiter, reported } = onClient(answer, { processes: 4 })
    const download = { ...ask, slots: [], cost: 1_000, allowDebt: true }
    const first = await limiter.admit(download, here)
    expect(first).toMatchObject({ admitted: true, left: [{ tokens: 0 }] })
    const refused = { retryAfterMs: 0, ...(await limiter.admit(download, here)) }
    // A quarter of the capacity is 15, and a token comes every 4 s.
    expect(refused.admitted).toBe(false)
    expect(refused.retryAfterMs).toBeLessThanOrEqual(986 * 4_000)
    expect(refused.retryAfterMs).toBeGreaterThan(975 * 4_000)
    if (first.admitted) first.refund(1_000)
    expect(await limiter.admit(download, here)).toMatchObject({ admitted: true })
    expect(reported).toEqual(['limiter_local'])
  })

  test('with onOutage closed, it refuses, and reports once', async () => {
    const { limiter, reported } = onClient(answer, { onOutage: 'closed' })
    for (let step = 0; step < 10; step += 1)
      await expect(limiter.admit(ask, here)).rejects.toMatchObject({ data: { kind: 'unavailable' } })
    expect(reported).toEqual(['limiter_closed'])
  })

  test('after five failures it gets no request', async () => {
    const { limiter, sent } = onClient(answer)
    for (let step = 0; step < 50; step += 1) await limiter.admit({ ...ask, slots: [] }, here)
    expect(names(sent).filter((name) => name === 'EVALSHA')).toHaveLength(5)
  })
})

test('slots that Redis granted before count in an outage', async () => {
  let answer = admits
  const { limiter } = onClient(async () => answer())
  for (let step = 0; step < 4; step += 1) await limiter.admit(ask, here)
  answer = fails
  expect(await limiter.admit(ask, here)).toMatchObject({ admitted: false, by: 'downloads' })
})

test('with onOutage closed, retryAfterMs is one to three seconds', async () => {
  const { limiter } = onClient(fails, { onOutage: 'closed' })
  const waits: number[] = []
  for (let step = 0; step < 20; step += 1)
    await limiter
      .admit(ask, here)
      .catch((error: { data: { retryAfterMs: number } }) => waits.push(error.data.retryAfterMs))
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000)
  expect(Math.max(...waits)).toBeLessThan(3_000)
  expect(new Set(waits).size).toBeGreaterThan(1)
})

describe('a key with a value of another type', () => {
  const wrong = async (command: Command, message = 'WRONGTYPE Operation'): Promise<unknown> => {
    if (command.includes(brokenSlot)) throw new Error(message)
    return [0, 0, 59, 1_000]
  }
  const bob: AdmissionAsk = {
    ...ask,
    quotas: [{ name: 'user', key: ['acme', 'bob'], quota: { capacity: 60, refill: 1, perMs: 1_000 } }],
    slots: [{ name: 'downloads', key: ['acme', 'bob'], limit: 4, scope: 'fleet' }],
  }
  const [brokenSlot = ''] = nameKeys('sallyport', ask).slots

  test.each([
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'ERR Error running script (call to f_1): @user_script:12: WRONGTYPE Operation against a key',
  ])('is not an outage: Redis still decides about other keys (%s)', async (message) => {
    const { limiter, reported } = onClient(async (command) => wrong(command, message), { processes: 60 })
    const statuses: boolean[] = []
    for (let step = 0; step < 12; step += 1) statuses.push((await limiter.admit(ask, here)).admitted)
    expect(statuses).toEqual([true, ...Array<boolean>(11).fill(false)])
    expect(await limiter.admit(bob, here)).toMatchObject({ admitted: true, left: [{ tokens: 59 }] })
    expect(reported).toEqual(['limiter_key_unusable'])
  })

  test('refuses the requests that need it if onOutage is closed', async () => {
    const { limiter } = onClient(wrong, { onOutage: 'closed' })
    for (let step = 0; step < 12; step += 1)
      await expect(limiter.admit(ask, here)).rejects.toMatchObject({ data: { kind: 'unavailable' } })
    expect(await limiter.admit(bob, here)).toMatchObject({ admitted: true })
  })
})

describe('a refund', () => {
  test('is sent once per call, up to the cost', async () => {
    const { limiter, sent } = onClient(admits)
    const admission = await limiter.admit({ ...ask, slots: [], cost: 3 }, here)
    if (admission.admitted) for (const tokens of [1, 0, -1, 9, 9]) admission.refund(tokens)
    const [bucket = ''] = nameKeys('sallyport', ask).quotas
    expect(sent.slice(1).map(([, , ...rest]) => rest)).toEqual([
      ['1', bucket, '1', '60', '1', '1000'],
      ['1', bucket, '2', '60', '1', '1000'],
    ])
  })

  test('that fails in Redis is ignored', async () => {
    let answer = admits
    const { limiter, reported } = onClient(async () => answer())
    const admission = await limiter.admit(ask, here)
    answer = fails
    if (admission.admitted) admission.refund(1)
    await new Promise(setImmediate)
    expect([admission.admitted, reported]).toEqual([true, []])
  })
})

test('a caller that leaves takes nothing, and is not a failure of Redis', async () => {
  const reached = Promise.withResolvers<undefined>()
  const { limiter, sent, reported } = onClient(async ([name]) => {
    reached.resolve(undefined)
    return name === 'EVALSHA' ? hangs() : 1
  })
  const gone = new AbortController()
  const admission = limiter.admit(ask, gone.signal)
  await reached.promise
  const reason = new Error('gone')
  gone.abort(reason)
  await expect(admission).rejects.toBe(reason)
  expect(names(sent)).toEqual(['EVALSHA', 'ZREM'])
  expect(reported).toEqual([])
})

test('for a caller that has left, nothing is sent', async () => {
  const { limiter, sent } = onClient(admits)
  await expect(limiter.admit(ask, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  expect(sent).toEqual([])
})

describe('wrong options are named', () => {
  const send = admits
  const lease =
    'must be the life of a lease in milliseconds (1 s is 1000): a whole number from 600 to 86400000'
  test.each<{ options: unknown; says: string }>([
    {
      options: undefined,
      says: 'options: must be { send, prefix?, timeoutMs?, leaseMs?, onOutage?, processes? }; got nothing',
    },
    { options: {}, says: 'send: must be a function (command, key) => Promise<reply>; got nothing' },
    { options: { send: 'redis://' }, says: 'send: must be a function' },
    {
      options: { send, onOutge: 'closed' },
      says: 'onOutge: is not an option; did you mean onOutage?',
    },
    { options: { send, prefix: 'a{b}' }, says: "prefix: must be text without braces; got 'a{b}'" },
    { options: { send, prefix: 7 }, says: 'prefix: must be text without braces; got 7' },
    {
      options: { send, timeoutMs: 5 },
      says: 'timeoutMs: must be how long one admission waits for Redis in milliseconds (1 s is 1000): a whole number from 10 to 60000; got 5',
    },
    { options: { send, timeoutMs: '50' }, says: 'timeoutMs: must be' },
    { options: { send, leaseMs: 30 }, says: `leaseMs: ${lease}; got 30` },
    {
      options: { send, leaseMs: 600, timeoutMs: 101 },
      says: 'options: must be options whose leaseMs is at least six times timeoutMs; got leaseMs 600 and timeoutMs 101',
    },
    { options: { send, leaseMs: Number.POSITIVE_INFINITY }, says: `leaseMs: ${lease}; got Infinity` },
    { options: { send, onOutage: 'open' }, says: "onOutage: must be 'local' or 'closed'; got 'open'" },
    { options: { send, processes: 0 }, says: 'processes: must be processes: a whole number from 1' },
    { options: { send, processes: 1.5 }, says: 'processes: must be processes: a whole number from 1' },
  ])('$options', ({ options, says }) => {
    const create = (): unknown => createRedisLimiter(options as RedisLimiterOptions)
    expect(create).toThrow(TypeError)
    expect(create).toThrow(`createRedisLimiter: ${says}`)
    expect(create).toThrow('docs/options.md#createredislimiter')
  })

  test('a lease of six timeouts is long enough', () => {
    const options = { send, timeoutMs: 100, leaseMs: 600 }
    expect(() => createRedisLimiter(options)).not.toThrow()
  })
})

test.each<{ title: string; wrong: AdmissionAsk }>([
  { title: 'a broken quota', wrong: { ...ask, cost: 61 } },
  {
    title: 'a bucket that is named twice',
    wrong: { ...ask, quotas: [...ask.quotas, ...ask.quotas] },
  },
])('$title is refused without a request', async ({ wrong }) => {
  const { limiter, sent } = onClient(admits)
  await expect(limiter.admit(wrong, here)).rejects.toThrow(RangeError)
  expect(sent).toEqual([])
})
