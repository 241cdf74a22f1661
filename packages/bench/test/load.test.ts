import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'

import { afterEach, expect, test } from 'vitest'

import { anyJob, type LoadJob, runLoad } from '../src/load.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** At least one request, and no time for more. */
async function jobFor(listener: RequestListener): Promise<LoadJob> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const requests = ['a', 'b', 'c'].map((path) => `GET /${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  return { ...anyJob, port, pid: process.pid, requests, connections: 1, length: 2 }
}

test('as many requests are sent as were asked for, in turn, beginning where the last round ended', async () => {
  const paths: (string | undefined)[] = []
  const job = await jobFor(({ url }, response) => {
    paths.push(url)
    response.end('ok')
  })
  const { answers, failures, sent, latencies } = await runLoad({ ...job, from: 2, least: 4 })
  expect({ answers, failures, sent }).toEqual({ answers: 4, failures: 0, sent: 4 })
  expect(latencies).toHaveLength(4)
  expect(paths).toEqual(['/c', '/a', '/b', '/c'])
})

test('every connection has a request under way at once', async () => {
  const sockets = new Set<unknown>()
  const waiting: (() => void)[] = []
  const job = await jobFor(({ socket }, response) => {
    sockets.add(socket)
    waiting.push(() => response.end('ok'))
    if (waiting.length === 450) for (const answer of waiting) answer()
  })
  const { answers, failures } = await runLoad({ ...job, connections: 450, least: 450 })
  expect({ answers, failures, sockets: sockets.size }).toEqual({ answers: 450, failures: 0, sockets: 450 })
})

test('an answer of another status or length is a failure, and a connection that fails is given up', async () => {
  const job = await jobFor((_, response) => response.end('long'))
  const { answers, failures } = await runLoad({ ...job, least: 100 })
  expect({ answers, failures }).toEqual({ answers: 0, failures: 3 })
})

test('where nobody listens there are failures and no answers', async () => {
  const job = await jobFor(() => undefined)
  servers[0]?.close()
  const { answers, failures } = await runLoad({ ...job, least: 1, connections: 2 })
  expect({ answers, failures }).toEqual({ answers: 0, failures: 6 })
})
