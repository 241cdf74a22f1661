import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { blocks } from './blocks.ts'
import { runModule, type Running } from './run.ts'

// The apps of mounting.md, each before a handler that refuses everybody, and with one route of the host's own behind it.

const handler = `import { createExportHandler as create } from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'
const handler = create({
  verifier: { verify: async () => { throw new Error('asked for a token') } },
  tenancy: { mode: 'single', tenant: { id: '17', name: 'acme' } },
  capability: 'exports:download',
  findExport: async () => undefined,
  store: createMemoryStore(),
})
`
const routes = {
  express: "app.get('/hello', (_, response) => { response.send('hello') })",
  koa: "app.use((ctx, next) => { if (ctx.path !== '/hello') return next(); ctx.body = 'hello' })",
}
const onAnyPort =
  "app.listen(0, '127.0.0.1', function () { console.log(`http://127.0.0.1:${this.address().port}`) })"

describe.each(Object.entries(routes))('the app with %s', (framework, route) => {
  let running: Running
  beforeAll(async () => {
    const block = blocks.find(
      ({ document, code }) => document === 'docs/mounting.md' && code.includes(`from '${framework}'`),
    )
    running = await runModule(
      handler + (block?.code ?? '').replace('app.listen(3000)', `${route}\n${onAnyPort}`),
    )
  })
  afterAll(() => running.end())

  const statusOf = async (path: string): Promise<number> => (await fetch(running.line + path)).status

  test.each([
    ['/exports/1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82/download', 401],
    ['/exports/%zz/download', 401],
    ['/hello', 200],
    ['/', 404],
    ['/favicon.ico', 404],
    ['/exports', 404],
  ])('answers %s with %d', async (path, status) => {
    expect(await statusOf(path)).toBe(status)
  })
})

const size = 64 * 2 ** 20

/** Ends with status 1 if it does not end by itself. */
const drainingService = `import { createServer } from 'node:http'
import { createExportHandler, serveNode } from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'
const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const handler = createExportHandler({
  verifier: {
    verify: async () => ({ issuer: 'i', subject: 's', organizations: ['acme'], capabilities: ['download'], claims: {} }),
  },
  tenancy: { mode: 'single', tenant: { id: '17', name: 'acme' } },
  capability: 'download',
  findExport: async () => ({ id, tenantId: '17', key: 'k', format: 'jsonl', state: 'ready' }),
  store: createMemoryStore({ k: new Uint8Array(${size}) }),
})
const server = createServer((request, response) => void serveNode(handler, request, response, { params: { exportId: id } }))
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
setTimeout(() => process.exit(1), 15_000).unref()
`

test(
  'SIGTERM: new requests read 503, the download ends, and so does the process',
  { timeout: 20_000 },
  async () => {
    const block = blocks.find(
      ({ document, code }) => document === 'docs/mounting.md' && code.includes("process.once('SIGTERM'"),
    )
    const running = await runModule(drainingService + (block?.code ?? '').replace('5_000', '200'))
    const port = Number(running.line)
    const ask = async (agent: Agent | false): Promise<[IncomingMessage, boolean]> => {
      const request = get({
        port,
        host: '127.0.0.1',
        agent,
        headers: { authorization: 'Bearer token', range: 'bytes=0-9' },
      })
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      await buffer(response)
      return [response, request.reusedSocket]
    }
    const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()))
    for (const socket of sockets)
      await once(
        socket.on('error', () => undefined),
        'connect',
      )
    sockets[1]?.write('GET / HTTP/1.1\r\nHost: x\r\n')
    const kept = new Agent({ keepAlive: true, maxSockets: 1 })
    expect((await ask(kept))[0].statusCode).toBe(206)
    const request = get({ port, host: '127.0.0.1', agent: false, headers: { authorization: 'Bearer token' } })
    const [download] = (await once(request, 'response')) as [IncomingMessage]
    download.pause()

    const ended = running.end()
    await expect.poll(async () => (await ask(false))[0].statusCode).toBe(503)
    const [refused, isKept] = await ask(kept)
    expect([refused.statusCode, refused.headers.connection, isKept]).toEqual([503, 'close', true])
    expect(await buffer(download)).toHaveLength(size)
    expect(await ended).toBe(0)
  },
)
