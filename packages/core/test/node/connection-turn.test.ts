import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'

import { describe, expect, onTestFinished, test } from 'vitest'

import { wholeBody } from '../../src/delivery/start-delivery.ts'
import { serveNode } from '../../src/node/serve-node.ts'
import type { ExportHandler, ExportResponse } from '../../src/request-response.ts'
import { stands, until } from '../exact-bytes/guard.ts'

type Handler = Pick<ExportHandler, 'handle'>

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => void sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** A handler whose first request waits until `open` is called; all others answer at once. */
function gated(): { handler: Handler; asked: string[]; open: () => void } {
  const gate = Promise.withResolvers<void>()
  const asked: string[] = []
  const handle: ExportHandler['handle'] = async ({ params, signal }): Promise<ExportResponse> => {
    asked.push(params['n'] ?? '')
    if (asked.length === 1) await Promise.race([gate.promise, once(signal, 'abort')])
    const bytes = Buffer.from(`<${params['n']}>`)
    return { status: 200, headers: { 'Content-Length': String(bytes.length) }, body: wholeBody(bytes) }
  }
  return { handler: { handle }, asked, open: gate.resolve }
}

const serving =
  (handler: Handler, over: () => void = () => undefined): RequestListener =>
  (request, response) =>
    void serveNode(handler, request, response, { params: { n: request.url?.slice(1) } }).then(over)

const requests = (count: number): string =>
  Array.from({ length: count }, (_, n) => `GET /${n} HTTP/1.1\r\nHost: x\r\n\r\n`).join('')

/** The bodies that came over a connection, until there are so many. */
async function bodies(socket: Socket, count: number): Promise<string[]> {
  const found: string[] = []
  let rest = ''
  for await (const chunk of socket) {
    rest += String(chunk)
    found.push(...(rest.match(/<\d+>/g) ?? []))
    rest = rest.slice(rest.lastIndexOf('>') + 1)
    if (found.length >= count) break
  }
  return found
}

describe('on one connection of HTTP/1.1', () => {
  test('a request is not handled before the earlier responses are sent', async () => {
    const { handler, asked, open } = gated()
    const port = await listen(createServer(serving(handler)))
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    socket.write(requests(3))
    await until(() => asked.length > 0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(asked).toEqual(['0'])
    open()
    expect(await bodies(socket, 3)).toEqual(['<0>', '<1>', '<2>'])
    expect(asked).toEqual(['0', '1', '2'])
  })

  test('behind 32 requests the socket is paused until some are answered, and then all are answered', async () => {
    const { handler, asked, open } = gated()
    const count = 12_000
    let arrived = 0
    const answer = serving(handler)
    const port = await listen(
      createServer((request, response) => {
        arrived += 1
        answer(request, response)
      }),
    )
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    const read = bodies(socket, count)
    socket.write(requests(count))
    await stands(() => arrived)
    expect(arrived).toBeGreaterThanOrEqual(32)
    // What one read of 64 KiB brings is handed on whole.
    expect(arrived).toBeLessThan(32 + 2 * (65_536 / 28))
    expect(asked).toEqual(['0'])
    open()
    expect(await read).toEqual(Array.from({ length: count }, (_, n) => `<${n}>`))
  })

  test('waiting requests end when their client leaves, and never reach the handler', async () => {
    const { handler, asked } = gated()
    let arrived = 0
    let over = 0
    const answer = serving(handler, () => (over += 1))
    const port = await listen(
      createServer((request, response) => {
        arrived += 1
        answer(request, response)
      }),
    )
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    socket.write(requests(10))
    await until(() => arrived === 10)
    socket.destroy()
    await until(() => over === 10)
    expect(asked).toEqual(['0'])
  })

  test('requests wait behind a response of the host, in whatever order middleware passes them on', async () => {
    const { handler, open } = gated()
    open()
    const answer = serving(handler)
    const late: (() => void)[] = []
    const theirs: ServerResponse[] = []
    const port = await listen(
      createServer((request, response) => {
        if (request.url === '/0') theirs.push(response)
        else if (request.url === '/1') late.push(() => answer(request, response))
        else answer(request, response)
      }),
    )
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    socket.write(requests(4))
    await until(() => late.length === 1)
    for (const hand of late) hand()
    theirs[0]?.end('<0>')
    expect(await bodies(socket, 4)).toEqual(['<0>', '<1>', '<2>', '<3>'])
  })

  test('a host that destroys a waiting response ends the connection, and nothing leaks', async () => {
    const { handler, asked, open } = gated()
    const responses: ServerResponse[] = []
    let over = 0
    const answer = serving(handler, () => (over += 1))
    const port = await listen(
      createServer((request, response) => {
        responses.push(response)
        answer(request, response)
      }),
    )
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    socket.write(requests(3))
    await until(() => responses.length === 3)
    responses[1]?.destroy()
    open()
    await until(() => over === 3)
    expect(asked).toEqual(['0'])
  })
})

test('on one HTTP/2 session a stream behind 32 others is refused, and may be sent again', async () => {
  const gate = Promise.withResolvers<void>()
  let asked = 0
  const handle: ExportHandler['handle'] = async () => {
    asked += 1
    await gate.promise
    return { status: 204, headers: {} }
  }
  const port = await listen(
    createHttp2Server((request, response) => void serveNode({ handle }, request, response, { params: {} })),
  )
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  onTestFinished(() => session.destroy())
  const ask = async (): Promise<number> => {
    const stream = session.request().resume()
    stream.on('error', () => undefined)
    await new Promise((resolve) => stream.once('close', resolve))
    return stream.rstCode ?? -1
  }
  const codes = Array.from({ length: 40 }, ask)
  expect(await Promise.all(codes.slice(32))).toEqual(Array(8).fill(constants.NGHTTP2_REFUSED_STREAM))
  expect(asked).toBe(32)
  gate.resolve()
  expect(await Promise.all(codes.slice(0, 32))).toEqual(Array(32).fill(constants.NGHTTP2_NO_ERROR))
  expect(await ask()).toBe(constants.NGHTTP2_NO_ERROR)
})
