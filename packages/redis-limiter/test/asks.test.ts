import type { AdmissionAsk } from '@sallyport/core'
import { describe, expect, test } from 'vitest'

import { checkAsk, fleetAsk, processAsk, shareOf } from '../src/asks.ts'

const total: AdmissionAsk['slots'][number] = { name: 'total', key: ['total'], limit: 100, scope: 'process' }
const mine: AdmissionAsk['slots'][number] = {
  name: 'mine',
  key: ['acme', 'principal', 'ada'],
  limit: 16,
  scope: 'fleet',
}
const quota = { capacity: 60, refill: 1, perMs: 1_000 }
const perUser = { name: 'user', key: ['acme', 'principal', 'ada'], quota }
const ask: AdmissionAsk = { partition: 'acme', quotas: [perUser], slots: [mine, total], cost: 1 }

describe('the slots of the process', () => {
  test('are never sent to Redis', () => {
    expect(fleetAsk(ask)).toEqual({ partition: 'acme', quotas: [perUser], slots: [mine], cost: 1 })
  })

  test('are counted here with their limit, and the fleet slots without one', () => {
    expect(processAsk(ask)).toEqual({
      partition: 'acme',
      quotas: [],
      slots: [{ ...mine, limit: Number.MAX_SAFE_INTEGER }, total],
      cost: 0,
    })
  })

  test('differ from the slot of a tenant that is called total', () => {
    const tenant: AdmissionAsk['slots'][number] = {
      name: 'mine',
      key: ['total', 'principal', 'ada'],
      limit: 1,
      scope: 'fleet',
    }
    expect(fleetAsk({ ...ask, slots: [tenant] }).slots).toEqual([tenant])
  })
})

describe('the share of one process', () => {
  test('divides capacity, refill and fleet slots, but not the process slots', () => {
    expect(shareOf(ask, 4)).toEqual({
      partition: 'acme',
      quotas: [{ ...perUser, quota: { capacity: 15, refill: 1, perMs: 4_000 } }],
      slots: [{ ...mine, limit: 4 }, total],
      cost: 1,
    })
  })

  test('of one process is everything', () => {
    expect(shareOf(ask, 1)).toEqual(ask)
  })

  test('is at least one, but of 0 is 0', () => {
    const share = shareOf({ ...ask, slots: [mine, { ...mine, name: 'closed', limit: 0 }] }, 1_000)
    expect(share.quotas[0]?.quota).toEqual({ capacity: 1, refill: 1, perMs: 1_000_000 })
    expect(share.slots.map(({ limit }) => limit)).toEqual([1, 0])
  })

  test('never charges more than the divided capacity', () => {
    expect(shareOf({ ...ask, cost: 20 }, 4).cost).toBe(15)
    expect(shareOf({ ...ask, cost: 0 }, 4).cost).toBe(0)
  })

  test('of a cost that may owe is the whole cost', () => {
    const share = shareOf({ ...ask, cost: 1_000, allowDebt: true }, 4)
    expect([share.cost, share.allowDebt]).toEqual([1_000, true])
    expect(share.quotas).toEqual(shareOf(ask, 4).quotas)
  })

  test('of a budget can count a download of 1 TiB, and does not depend on the cost', () => {
    const day = { capacity: 500_000_000_000, refill: 500_000_000_000, perMs: 86_400_000 }
    const budget = (cost: number): AdmissionAsk => ({
      ...ask,
      quotas: [{ ...perUser, quota: day }],
      cost,
      allowDebt: true,
    })
    const [small, large] = [shareOf(budget(1), 1_000), shareOf(budget(2 ** 40), 1_000)]
    expect(small.quotas).toEqual(large.quotas)
    expect(small.quotas[0]?.quota).toEqual({ capacity: 500_000_000, refill: 156_250, perMs: 8_188 })
    expect(() => checkAsk(large)).not.toThrow()
  })

  test('stays exact at the limit of 2^53', () => {
    const edge = { capacity: 1, refill: 1, perMs: Number.MAX_SAFE_INTEGER }
    expect(shareOf({ ...ask, quotas: [{ ...perUser, quota: edge }] }, 4).quotas[0]?.quota).toEqual(edge)
  })
})

describe('an ask that Redis could not count exactly is refused', () => {
  const withQuota = (wrong: Partial<typeof quota>): AdmissionAsk => ({
    ...ask,
    quotas: [{ ...perUser, quota: { ...quota, ...wrong } }],
  })

  test.each<{ title: string; wrong: AdmissionAsk; says: RegExp }>([
    { title: 'half a token', wrong: withQuota({ capacity: 0.5 }), says: /^quota "user": whole numbers/u },
    { title: 'no refill', wrong: withQuota({ refill: 0 }), says: /^quota "user"/u },
    { title: 'no time', wrong: withQuota({ perMs: Number.NaN }), says: /^quota "user"/u },
    { title: 'two negatives', wrong: withQuota({ capacity: -1, perMs: -1 }), says: /^quota "user"/u },
    { title: '2^53', wrong: withQuota({ capacity: 2 ** 26, perMs: 2 ** 27 }), says: /below 2\^53$/u },
    { title: 'a cost above', wrong: { ...ask, cost: 61 }, says: /^quota "user": the cost/u },
    { title: 'a cost below', wrong: { ...ask, cost: -1 }, says: /^the cost/u },
    {
      title: 'a debt of 2^53',
      wrong: { ...ask, cost: 2 ** 44, allowDebt: true },
      says: /^quota "user": capacity plus cost/u,
    },
    { title: 'no limit', wrong: { ...ask, slots: [{ ...mine, limit: Number.NaN }] }, says: /^slot "mine"/u },
  ])('$title', ({ wrong, says }) => {
    expect(() => checkAsk(wrong)).toThrow(says)
    expect(() => checkAsk(wrong)).toThrow(RangeError)
  })

  test('every other ask is accepted', () => {
    expect(() => checkAsk(ask)).not.toThrow()
    expect(() => checkAsk({ ...ask, cost: 0 })).not.toThrow()
    expect(() => checkAsk({ ...ask, cost: 61, allowDebt: true })).not.toThrow()
    expect(() => checkAsk(withQuota({ capacity: 2 ** 26, perMs: 2 ** 27, refill: 2 ** 20 }))).not.toThrow()
  })
})
