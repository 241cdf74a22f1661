import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

import type { Check, Service } from './check-service.ts'
import { headersFor, start, startInVain } from './check-service.ts'

/** What `METRICS_PORT` does. */
export const metricsChecks: readonly Check<void>[] = [
  {
    title: 'METRICS_PORT serves metrics on a port of its own, and nothing else there',
    run: async () => {
      const service = await start({ METRICS_PORT: '0' }, 'server.ts', 'metrics on ')
      const [url = ''] = metricsUrls(service)
      await (await fetch(service.url, { headers: headersFor(service) })).arrayBuffer()
      const text = await (await fetch(url)).text()
      assert.match(text, /^sallyport_requests_total\{outcome="completed",status="200"\} 1$/m)
      for (const secret of [service.organization, service.jwt, service.file])
        assert.equal(text.includes(secret), false)
      assert.equal((await fetch(new URL(new URL(service.url).pathname, url))).status, 404)
      assert.equal((await fetch(new URL('/metrics', service.origin))).status, 404)
      assert.equal(await service.end(), 0)
    },
  },
  {
    title: 'without METRICS_PORT there are no metrics',
    run: async () => {
      const service = await start()
      assert.equal(await service.end(), 0)
      assert.deepEqual(metricsUrls(service), [])
    },
  },
  {
    title: 'a METRICS_PORT that is taken ends the start with 1 and its name',
    run: async () => {
      const other = await listen(0)
      const { code, said } = await startInVain({ METRICS_PORT: String(portOf(other)) })
      other.close()
      assert.equal(code, 1)
      assert.match(said, /^METRICS_PORT: cannot listen there \(EADDRINUSE\)/)
    },
  },
]

/** Where a service, or each process of a cluster, said that its metrics are. */
export const metricsUrls = ({ lines }: Service): readonly string[] =>
  lines.filter((line) => line.startsWith('metrics on ')).map((line) => line.slice('metrics on '.length))

/** A port that is free at this moment, as the one after it is. */
export async function freePortPair(): Promise<number> {
  for (;;) {
    const first = await listen(0)
    const port = portOf(first)
    const second = await listen(port + 1).catch(() => undefined)
    first.close()
    second?.close()
    if (second) return port
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
