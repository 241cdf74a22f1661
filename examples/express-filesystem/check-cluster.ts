import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { buffer } from 'node:stream/consumers'

import { freePortPair, metricsUrls } from '@sallyport/example-shared/check-metrics'
import type { Check, Service } from '@sallyport/example-shared/check-service'
import { headersFor, pausedDownload, start, startInVain } from '@sallyport/example-shared/check-service'

import { isHere } from '../../scripts/servers/available.ts'
import { until } from '../../scripts/servers/daemon.ts'
import { startRedis } from '../../scripts/servers/redis.ts'

/** How four processes serve as one. */
const four = { WORKERS: '4', DEV_ISSUER: '1' }

const alone: readonly Check<void>[] = [
  {
    title: 'a cluster needs a Redis to count in',
    run: async () => {
      const { code, said } = await startInVain({}, 'cluster.ts')
      assert.equal(code, 1)
      assert.match(said, /^REDIS_URL: is missing/)
    },
  },
  {
    title: 'while it is away, each of four processes admits a quarter',
    run: async () => {
      const nobody = { REDIS_URL: 'redis://127.0.0.1:1', RATE_CAPACITY: '12', RATE_PER_SECOND: '0.001' }
      const service = await start({ ...four, ...nobody }, 'cluster.ts')
      let admitted = 0
      await until('all four have admitted theirs', async () => {
        const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf(service)))
        admitted += statuses.filter((status) => status === 200).length
        return admitted >= 12
      })
      const statuses = await Promise.all(Array.from({ length: 60 }, () => statusOf(service)))
      assert.equal(admitted, 12)
      assert.deepEqual(statuses, Array<number>(60).fill(429))
      assert.equal(await service.end(), 0)
    },
  },
  {
    title: 'each process has metrics at a port of its own, and one that replaces another takes its port',
    run: async () => {
      const port = await freePortPair()
      const service = await start(
        { WORKERS: '2', DEV_ISSUER: '1', REDIS_URL: 'redis://127.0.0.1:1', METRICS_PORT: String(port) },
        'cluster.ts',
      )
      const urls = [port, port + 1].map((one) => `http://127.0.0.1:${one}/metrics`)
      await until('both are started', () => metricsUrls(service).length === 2)
      assert.deepEqual(metricsUrls(service).toSorted(), urls)
      for (let nth = 0; nth < 10; nth += 1) assert.equal(await statusOf(service), 200)
      assert.equal(
        (await completedAt(urls)).reduce((sum, count) => sum + count, 0),
        10,
      )
      const [killed] = pidsOf(service)
      assert(killed)
      process.kill(killed, 'SIGKILL')
      await until('another is started', () => metricsUrls(service).length === 3)
      assert(urls.includes(metricsUrls(service)[2] ?? ''))
      await until('both can be scraped', async () => (await completedAt(urls)).length === 2)
      assert.equal(await service.end(), 0)
    },
  },
  {
    title: 'a METRICS_PORT without a port for each process ends the start with 1',
    run: async () => {
      const variables = {
        REDIS_URL: 'redis://127.0.0.1:1',
        DEV_ISSUER: '1',
        WORKERS: '2',
        METRICS_PORT: '65535',
      }
      const { code, said } = await startInVain(variables, 'cluster.ts')
      assert.equal(code, 1)
      assert.match(said, /^METRICS_PORT: write at most 65534/)
    },
  },
]

/** How many requests each process has completed. */
const completedAt = (urls: readonly string[]): Promise<readonly number[]> =>
  Promise.all(
    urls.map(async (url) => {
      const text = await (await fetch(url)).text()
      return Number(/outcome="completed",status="200"\} (\d+)/.exec(text)?.[1] ?? 0)
    }),
  )

const together: readonly Check<void>[] = [
  {
    title: 'four processes admit together what one may, to a token for each',
    run: async () => {
      let spent = await spend()
      // A Redis that this machine kept waiting for 50 ms was no Redis.
      for (let more = 0; more < 4 && spent.troubled; more += 1) spent = await spend()
      assert.equal(spent.troubled, false)
      assert(spent.admitted >= spent.least - 4, JSON.stringify(spent))
      assert(spent.admitted <= spent.most + 4, JSON.stringify(spent))
    },
  },
  {
    title: 'a process that is killed is replaced',
    run: withCluster({}, async (service) => {
      await until('all are started', () => pidsOf(service).length === 4)
      const [killed] = pidsOf(service)
      assert(killed)
      process.kill(killed, 'SIGKILL')
      await until('another is started', () => pidsOf(service).length === 5)
      const statuses = await Promise.all(Array.from({ length: 10 }, () => statusOf(service)))
      assert.deepEqual(statuses, Array<number>(10).fill(200))
      assert(service.lines.some((line) => line.includes('"worker_ended"') && line.includes('"SIGKILL"')))
    }),
  },
  {
    title: 'SIGTERM lets a running download end in any of them',
    run: withCluster({}, async (service) => {
      const download = await pausedDownload(service)
      const ended = service.end()
      await until('new ones are refused', async () => (await statusOf(service)) === 503)
      assert.equal((await buffer(download)).length, Number(download.headers['content-length']))
      assert.equal(await ended, 0)
    }),
  },
]

export const cluster: readonly Check<void>[] = isHere('redis') ? [...alone, ...together] : alone

/** What a quota of 20 and 10 a second admits in three seconds of asking, and what it may. */
async function spend(): Promise<{ admitted: number; least: number; most: number; troubled: boolean }> {
  const spent = { admitted: 0, least: 0, most: 0, troubled: false }
  const quota = { RATE_CAPACITY: '20', RATE_PER_SECOND: '10' }
  await withCluster(quota, async (service) => {
    const asking = new AbortController()
    const ask = async (): Promise<void> => {
      while (!asking.signal.aborted) if ((await statusOf(service)) === 200) spent.admitted += 1
    }
    const before = performance.now()
    const all = Array.from({ length: 4 }, ask)
    await until('the first is admitted', () => spent.admitted > 0)
    const begun = performance.now()
    await until('three seconds pass', () => performance.now() - begun > 3_000)
    spent.least = 20 + Math.floor((performance.now() - begun) / 100)
    asking.abort()
    await Promise.all(all)
    spent.most = 20 + Math.ceil((performance.now() - before) / 100)
    spent.troubled = service.lines.some((line) => line.includes('"port":"limiter"'))
  })()
  return spent
}

function withCluster(
  variables: Readonly<Record<string, string>>,
  run: (service: Service) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const redis = await startRedis()
    const service = await start({ ...four, ...variables, REDIS_URL: redis.url }, 'cluster.ts')
    try {
      assert.match(service.lines[0] ?? '', /^listening on http:\/\/127\.0\.0\.1:\d+$/)
      await run(service)
      assert.equal(await service.end(), 0)
      assert.equal(service.lines.filter((line) => line.startsWith('listening on ')).length, 1)
    } finally {
      service.process.kill('SIGKILL')
      await redis.close()
    }
  }
}

/** The answer to a HEAD on a connection of its own, so that the processes take turns. */
async function statusOf(service: Service): Promise<number | undefined> {
  const asked = request(service.url, { method: 'HEAD', headers: headersFor(service), agent: false }).end()
  try {
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  } catch {
    return undefined
  }
}

const pidsOf = ({ lines }: Service): readonly number[] =>
  lines
    .filter((line) => line.includes('"worker_started"'))
    .map((line) => (JSON.parse(line) as { readonly pid: number }).pid)
