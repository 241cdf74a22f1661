/**
 * Simulates how many requests a fleet admits per second while Redis fails and recovers: `node
 * --conditions=@sallyport/source packages/bench/simulate-fleet.ts` prints a table and draws `docs/scaling.svg`. The limiter is
 * the project's own; a fleet with Redis is one of them that all processes ask, a process on its own is one of its own.
 */
import { writeFile } from 'node:fs/promises'

import type { Quota, RateLimiter } from '@sallyport/core'
import { createMemoryLimiter } from '@sallyport/core'

const processes = 8
const quota: Quota = { capacity: 600, refill: 100, perMs: 1_000 }
/** Requests per second to the fleet, distributed over its processes in turn. */
const demand = 1_000
const seconds = 120
const outage = { from: 50, to: 85 }

/** A fleet: returns the limiter for a request to a process, with and without Redis. `undefined`: the request is refused. */
type Fleet = (process: number, redisAnswers: boolean) => { limiter: RateLimiter; quota: Quota } | undefined

const share: Quota = { ...quota, capacity: quota.capacity / processes, perMs: quota.perMs * processes }

const fleets: Record<string, (now: () => number) => Fleet> = {
  "onOutage 'local', processes 8": (now) => withRedis(now, alone(now, share)),
  "onOutage 'local', processes 1 (the default)": (now) => withRedis(now, alone(now, quota)),
  "onOutage 'closed'": (now) => withRedis(now, () => undefined),
  'no Redis at all': (now) => alone(now, quota),
}

function withRedis(now: () => number, otherwise: Fleet): Fleet {
  const shared = { limiter: createMemoryLimiter({ maxKeys: 10, now }), quota }
  return (process, redisAnswers) => (redisAnswers ? shared : otherwise(process, redisAnswers))
}

function alone(now: () => number, quota: Quota): Fleet {
  const limiters = Array.from({ length: processes }, () => createMemoryLimiter({ maxKeys: 10, now }))
  return (process) => {
    const limiter = limiters[process]
    return limiter && { limiter, quota }
  }
}

/** Requests admitted in each second. */
async function simulate(createFleet: (now: () => number) => Fleet): Promise<number[]> {
  let clock = 0
  const fleet = createFleet(() => Math.floor(clock))
  const { signal } = new AbortController()
  const admitted: number[] = []
  for (let second = 0; second < seconds; second++) {
    let count = 0
    for (let request = 0; request < demand; request++) {
      clock = second * 1_000 + (request * 1_000) / demand
      const asked = fleet(request % processes, second < outage.from || second >= outage.to)
      const quotas = asked ? [{ name: 'principal', key: ['t', 'principal'], quota: asked.quota }] : []
      const admission = await asked?.limiter.admit({ partition: 'fleet', quotas, slots: [], cost: 1 }, signal)
      if (admission?.admitted === true) count += 1
    }
    admitted.push(count)
  }
  return admitted
}

const series = new Map<string, number[]>()
for (const [name, createFleet] of Object.entries(fleets)) series.set(name, await simulate(createFleet))

const mean = (numbers: readonly number[]): string =>
  (numbers.reduce((sum, number) => sum + number, 0) / numbers.length).toFixed(0)
const { from, to } = outage
console.log(
  `${processes} processes, a quota of ${quota.refill}/s with a burst of ${quota.capacity}, asked ${demand}/s`,
)
console.log(
  'admitted per second:        before | the first second without | then | the first second after | then',
)
for (const [name, counts] of series) {
  const before = mean(counts.slice(30, from))
  const within = mean(counts.slice(from + 28, to))
  const after = mean(counts.slice(to + 10))
  console.log(`${name}: ${before} | ${counts[from]} | ${within} | ${counts[to]} | ${after}`)
}
await writeFile(new URL('../../docs/scaling.svg', import.meta.url), plot(series))

/** One panel below the other, because the fleets differ by a factor of eight. */
function plot(series: ReadonlyMap<string, readonly number[]>): string {
  const [width, height, left, gap] = [720, 110, 56, 34]
  const top = Math.max(...[...series.values()].flat())
  const x = (second: number): number => left + (second / seconds) * (width - left - 10)
  const y = (count: number): number => height - (count / top) * height
  const panels = [...series].map(([name, counts], index) => {
    const points = counts.map((count, second) => `${x(second).toFixed(1)},${y(count).toFixed(1)}`).join(' ')
    const limit = y(quota.refill).toFixed(1)
    return `<g transform="translate(0 ${30 + index * (height + gap)})">
<rect x="${x(from)}" width="${x(to) - x(from)}" height="${height}" fill="#f3dede"/>
<line x1="${left}" x2="${width - 10}" y1="${limit}" y2="${limit}" stroke="#999" stroke-dasharray="4 3"/>
<polyline points="${points}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/>
<line x1="${left}" x2="${left}" y2="${height}" stroke="#333"/><line x1="${left}" x2="${width - 10}" y1="${height}" y2="${height}" stroke="#333"/>
<text x="${left}" y="-6" font-weight="bold">${name}</text>
<text x="${left - 6}" y="8" text-anchor="end">${top}</text><text x="${left - 6}" y="${limit}" dy="4" text-anchor="end">${quota.refill}</text>
</g>`
  })
  const total = 30 + panels.length * (height + gap)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${width - 10}" y="14" text-anchor="end">admitted per second; shaded: Redis does not answer; dashed: the quota's refill</text>
${panels.join('\n')}
</svg>
`
}
