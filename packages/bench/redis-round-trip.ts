/**
 * Measures what Redis adds to a request, and how much one Redis can serve: `node --conditions=@sallyport/source
 * packages/bench/redis-round-trip.ts`. Needs `redis-server`. The capacity of Redis is computed from its own CPU time, so
 * that other load on this machine changes it little.
 */
import { setTimeout as pass } from 'node:timers/promises'

import type { AdmissionAsk } from '@sallyport/core'

import { startRedis } from '../../scripts/servers/redis.ts'
import { admissionAsk } from '../core/src/steps/admit.ts'
import { createRedisLimiter } from '../redis-limiter/src/redis-limiter.ts'
import { type Client, ioRedis } from '../redis-limiter/test/on-redis/clients.ts'
import { percentile } from './src/statistics.ts'

const rounds = 5_000
const connections = 50
const secondsOfLoad = 5
const principals = 10_000
/** Slots in use in each tenant: many, which one script renews together, and one. */
const layouts = [
  { tenants: 20, each: 250 },
  { tenants: 1_000, each: 1 },
]

const here = new AbortController().signal
const quota = { capacity: 1_000_000, refill: 1, perMs: 1_000 }

/** The ask of one download: the principal's quota and slot. `all`: those of the tenant, too. */
function askOf(tenant: string, subject: string, all = false): AdmissionAsk {
  const principal = {
    issuer: 'https://issuer.test',
    subject,
    organizations: [],
    capabilities: [],
    claims: {},
  }
  const concurrent = { perPrincipal: 1_000_000, ...(all && { perTenant: 1_000_000 }) }
  const rules = { perPrincipal: quota, ...(all && { perTenant: quota }), concurrent }
  return admissionAsk(principal, { id: tenant, name: tenant }, rules, 1)
}

const redis = await startRedis()
const clients = await Promise.all(Array.from({ length: connections }, () => ioRedis(redis.port)))
const client = await ioRedis(redis.port)
try {
  await tellRoundTrip()
  await tellMemory()
  await tellAdmissions('quota and place of the principal', false)
  await tellAdmissions('quotas and places of principal and tenant', true)
  for (const layout of layouts) await tellRenewals(layout)
} finally {
  await Promise.all([client, ...clients].map((one) => one.close()))
  await redis.close()
}

/** Measures both in turn, one at a time, so that other load affects both. */
async function tellRoundTrip(): Promise<void> {
  const limiter = createRedisLimiter({ send: client.send, timeoutMs: 5_000 })
  const ask = askOf('acme', 'ada')
  const digest = String(await client.send(['SCRIPT', 'LOAD', 'return 1'], ''))
  const times = { bare: [] as number[], admit: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    let begun = performance.now()
    await client.send(['EVALSHA', digest, '1', 'bare'], 'bare')
    times.bare.push(performance.now() - begun)
    begun = performance.now()
    const admission = await limiter.admit(ask, here)
    times.admit.push(performance.now() - begun)
    if (admission.admitted) admission.release()
    await client.send(['PING'], '') // the slot is released before the next round
  }
  const micros = (list: readonly number[], share: number): string =>
    `${(percentile(list.slice(rounds / 10), share) * 1_000).toFixed(0)} µs`
  for (const [name, list] of Object.entries({ 'EVALSHA of `return 1`': times.bare, 'admit()': times.admit }))
    console.log(`${name}: p50 ${micros(list, 0.5)}, p99 ${micros(list, 0.99)}`)
}

async function tellMemory(): Promise<void> {
  const limiter = createRedisLimiter({ send: client.send, timeoutMs: 5_000 })
  const before = await info('used_memory:')
  for (let index = 0; index < principals; index++) await limiter.admit(askOf('acme', `user-${index}`), here)
  const bytes = ((await info('used_memory:')) - before) / principals
  console.log(`memory of Redis: ${bytes.toFixed(0)} bytes for a principal's bucket and one open place`)
  await client.send(['FLUSHALL'], '')
}

/** One ask at a time on each connection, so that no two share a system call of Redis, as with many processes. */
async function tellAdmissions(what: string, all: boolean): Promise<void> {
  const end = performance.now() + secondsOfLoad * 1_000
  let admissions = 0
  const spend = async ({ send }: Client, index: number): Promise<void> => {
    const limiter = createRedisLimiter({ send, timeoutMs: 5_000 })
    for (let turn = 0; performance.now() < end; turn++) {
      const admission = await limiter.admit(askOf(`t-${index}`, `user-${turn % 100}`, all), here)
      if (admission.admitted) admission.release()
      admissions += 1
    }
  }
  const before = await cpuMicros()
  await Promise.all(clients.map(spend))
  const micros = ((await cpuMicros()) - before) / admissions
  console.log(
    `${what}, taken and given back: ${micros.toFixed(1)} µs of Redis' core, so ${perSecond(micros)} at most (${(admissions / secondsOfLoad).toFixed(0)}/s came)`,
  )
}

async function tellRenewals({ tenants, each }: (typeof layouts)[number]): Promise<void> {
  const limiter = createRedisLimiter({ send: client.send, timeoutMs: 150, leaseMs: 900 })
  const open = tenants * each
  const asks = Array.from({ length: open }, (_, index) => askOf(`t-${index % tenants}`, `user-${index}`))
  const admissions = await Promise.all(asks.map((ask) => limiter.admit(ask, here)))
  const [cpu, calls] = [await cpuMicros(), await renewalCalls()]
  await pass(3_000)
  const renewed = ((await renewalCalls()) - calls) * each
  const micros = ((await cpuMicros()) - cpu) / renewed
  console.log(
    `renewing a place, ${each} in a tenant: ${micros.toFixed(1)} µs of Redis' core (${renewed} renewed)`,
  )
  for (const admission of admissions) if (admission.admitted) admission.release()
}

function perSecond(micros: number): string {
  return `${(1e6 / micros).toFixed(0)}/s`
}

async function cpuMicros(): Promise<number> {
  return ((await info('used_cpu_user:')) + (await info('used_cpu_sys:'))) * 1e6
}

/** Leases are renewed by EVAL, all leases of a tenant in one call. */
async function renewalCalls(): Promise<number> {
  return info('cmdstat_eval:calls=')
}

async function info(mark: string): Promise<number> {
  const text = String(await client.send(['INFO', 'everything'], ''))
  return Number(new RegExp(String.raw`^${mark}([\d.]+)`, 'm').exec(text)?.[1] ?? 0)
}
