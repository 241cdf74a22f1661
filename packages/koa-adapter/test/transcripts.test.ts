import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { type ExportHandler, serveNode } from '@sallyport/core'
import { adapterContract, type Served } from '@sallyport/core/testing'
import express5 from 'express'
import express4 from 'express4'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

import { serveFastify } from '../../fastify-adapter/test/serve-fastify.ts'
import { recorded } from './recording-proxy.ts'
import { serveExpress } from './serve-express.ts'
import { listen, mount } from './serve-koa.ts'

/** Runs the whole contract, and records the bytes of each connection, by the title of the case. */
async function transcribe(
  serve: (handler: ExportHandler) => Promise<Served>,
): Promise<Map<string, string[]>> {
  const wires = new Map<string, string[]>()
  let connections: string[] = []
  const cases = adapterContract(async (handler) => recorded(await serve(handler), connections))
  for (const { title, run } of cases.filter(({ title }) => !title.startsWith('HTTP/2: '))) {
    connections = []
    await run()
    wires.set(title, connections.map(comparable(title)))
  }
  return wires
}

/** Replaces what differs between runs: the date, and the boundary of multipart bodies. */
const comparable =
  (title: string) =>
  (sent: string): string => {
    // How many bytes a client gets before a cut may differ.
    const promised = /client that leaves|fails in the middle|a cut|not handled/.test(title)
      ? sent.slice(0, sent.indexOf('\r\n\r\n'))
      : sent
    return promised
      .replaceAll(/\r\nDate: [^\r]+/g, '\r\nDate: now')
      .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'BOUNDARY')
      .replaceAll(/\beyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+/g, 'TICKET')
  }

const bareNode = async (handler: ExportHandler): Promise<Served> => {
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const [, segment] = /^\/exports\/([^/]+)\/(?:download|ticket)$/.exec(path) ?? []
    const isParameter = segment !== undefined && !/%(?![0-9a-f]{2})|%ff/i.test(segment)
    const params = isParameter ? { exportId: decodeURIComponent(segment) } : {}
    const handle = path.endsWith('/ticket') && isParameter ? handler.handleTicket : handler.handle
    void serveNode({ handle }, request, response, { params })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('every framework sends the same bytes', () => {
  let expected: Map<string, string[]>
  beforeAll(async () => {
    // The default of frameworks: error pages show stack traces.
    vi.stubEnv('NODE_ENV', undefined)
    expected = await transcribe(bareNode)
  }, 30_000)
  afterAll(() => {
    vi.unstubAllEnvs()
  })

  test('and the comparison has complete responses', () => {
    const [answer = ''] = expected.get('a whole export · 200') ?? []
    expect(answer).toMatch(
      /^HTTP\/1\.1 200 OK\r\nVary: X-Org-Name, X-API-Version\r\nX-Content-Type-Options: nosniff\r\n/,
    )
    expect(answer.length).toBeGreaterThan(200_003)
    expect([...expected.values()].flat().join('')).not.toMatch(/x-powered-by|<title>Error|<head>|\n {4}at /i)
  })

  test.each<[string, (handler: ExportHandler) => Promise<Served>]>([
    ['Express 5', (handler) => serveExpress(express5(), handler)],
    ['Express 4', (handler) => serveExpress(express4(), handler)],
    ['Koa 3', (handler) => listen(mount(new Koa3(), handler))],
    ['Koa 2', (handler) => listen(mount(new Koa2(), handler))],
    ['Fastify 5', (handler) => serveFastify(handler)],
  ])(
    '%s',
    async (_, serve) => {
      const seen = await transcribe(serve)
      const different = [...expected].filter(
        ([title, wires]) => wires.join('\n') !== seen.get(title)?.join('\n'),
      )
      expect(different.map(([title, wires]) => [title, wires, seen.get(title)])).toEqual([])
      expect(seen.size).toBe(expected.size)
    },
    30_000,
  )
})
