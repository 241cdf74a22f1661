import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'

import { expect, onTestFinished, test } from 'vitest'

import { wholeBody } from '../../src/delivery/start-delivery.ts'
import { serveNode } from '../../src/node/serve-node.ts'
import type { ExportHandler, ExportRequest } from '../../src/request-response.ts'

const answer = {
  status: 200,
  headers: { 'Content-Length': '5' },
  body: wholeBody(Buffer.from('bytes')),
}
type Handler = Pick<ExportHandler, 'handle'>
const hello: Handler = { handle: async () => answer }
const path = { params: {} }

async function listen(onRequest: RequestListener): Promise<URL> {
  const server = createServer(onRequest)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

/** Answers once its request's client is gone, and says why it is. */
function patientHandler(): { handler: Handler; came: Promise<ExportRequest>; left: Promise<unknown> } {
  const came = Promise.withResolvers<ExportRequest>()
  const left = Promise.withResolvers<unknown>()
  const handle: Handler['handle'] = async (request) => {
    came.resolve(request)
    if (!request.signal.aborted) await once(request.signal, 'abort')
    left.resolve(request.signal.reason)
    return answer
  }
  return { handler: { handle }, came: came.promise, left: left.promise }
}

test.each([
  { what: 'fewer', sent: ['by', 'te'] },
  { what: 'more', sent: ['byt', 'es!'] },
])('a body of $what bytes than it promised is cut', async ({ sent }) => {
  const body = Object.assign(
    (async function* () {
      for (const text of sent) yield Buffer.from(text)
    })(),
    { length: 5 },
  )
  const url = await listen((request, response) => {
    void serveNode({ handle: async () => ({ ...answer, body }) }, request, response, path)
  })
  const seen = await fetch(url)
  await expect(seen.text()).rejects.toThrow('terminated')
})

test('list fields of middleware are extended, all other fields are replaced', async () => {
  const headers = {
    Vary: 'X-Org-Name',
    Link: '<https://a.test/v2>; rel="sunset"',
    'Cache-Control': 'no-store',
  }
  const url = await listen((request, response) => {
    response.setHeader('Vary', ['Origin', 'x-org-name'])
    response.setHeader('Link', '</s.css>; rel=preload')
    response.setHeader('Cache-Control', 'public')
    response.setHeader('Access-Control-Allow-Origin', 'https://app.test')
    void serveNode({ handle: async () => ({ ...answer, headers }) }, request, response, path)
  })
  const seen = await fetch(url)
  expect(Object.fromEntries(seen.headers)).toMatchObject({
    vary: 'Origin, x-org-name',
    link: '</s.css>; rel=preload, <https://a.test/v2>; rel="sunset"',
    'cache-control': 'no-store',
    'access-control-allow-origin': 'https://app.test',
  })
})

test('a response that other code has begun is not touched, and everything is released', async () => {
  const { handler, left } = patientHandler()
  const url = await listen((request, response) => {
    response.writeHead(418)
    void serveNode(handler, request, response, path).then(() => response.end('mine'))
  })
  const seen = await fetch(url)
  expect([seen.status, await seen.text()]).toEqual([418, 'mine'])
  expect(await left).toMatchObject({ outcome: 'failed', cause: { message: 'response_taken' } })
})

test('a host that answers during the handler keeps its response, and the body is released', async () => {
  const signal = Promise.withResolvers<AbortSignal>()
  const url = await listen((request, response) => {
    const handle: Handler['handle'] = async (asked) => {
      response.statusCode = 503
      response.end('too late')
      signal.resolve(asked.signal)
      return answer
    }
    void serveNode({ handle }, request, response, path)
  })
  const seen = await fetch(url)
  expect([seen.status, await seen.text()]).toEqual([503, 'too late'])
  await expect.poll(async () => (await signal.promise).aborted).toBe(true)
})

test('a handler that rejects, as a wrapper of the host may, cuts the connection and is reported', async () => {
  const asked = Promise.withResolvers<AbortSignal>()
  const over = Promise.withResolvers<void>()
  const url = await listen((request, response) => {
    const handle: ExportHandler['handle'] = async ({ signal }) => {
      asked.resolve(signal)
      throw new Error('a wrapper')
    }
    void serveNode({ handle }, request, response, path).then(over.resolve)
  })
  await expect(fetch(url)).rejects.toThrow('fetch failed')
  await over.promise
  expect((await asked.promise).reason).toMatchObject({ outcome: 'failed', cause: new Error('a wrapper') })
})

test('a client that left before the handler was called is noticed at once', async () => {
  const { handler, left } = patientHandler()
  const arrived = Promise.withResolvers<void>()
  const url = await listen((request, response) => {
    arrived.resolve()
    response.once('close', () => void serveNode(handler, request, response, path))
  })
  const socket = connect(Number(url.port), url.hostname)
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await arrived.promise
  socket.destroy()
  expect(await left).toMatchObject({ outcome: 'client_aborted' })
})

test('a request body that middleware has read does not look like a client that left', async () => {
  const url = await listen((request, response) => {
    void text(request).then(() => serveNode(hello, request, response, path))
  })
  const seen = await fetch(url, { method: 'POST', body: 'a form' })
  expect([await seen.text(), seen.headers.get('connection')]).toEqual(['bytes', 'close'])
})

test('of a request body that never ends, only what Node has buffered is read', async () => {
  const closed = Promise.withResolvers<number>()
  const url = await listen((request, response) => {
    const { socket } = request
    socket.once('close', () => closed.resolve(socket.bytesRead))
    void serveNode(hello, request, response, path)
  })
  const socket = connect(Number(url.port), url.hostname).on('error', () => undefined)
  const zeros = Buffer.alloc(65_536)
  socket.on('drain', () => void (socket.write(zeros) && socket.write(zeros)))
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n')
  socket.write(Buffer.alloc(1_048_576))
  expect(await closed.promise).toBeLessThan(4 * 65_536)
})

test('when it resolves, the response has the status that was sent', async () => {
  const seen = Promise.withResolvers<number>()
  const url = await listen((request: IncomingMessage, response: ServerResponse) => {
    response.statusCode = 404
    void serveNode(hello, request, response, path).then(() => seen.resolve(response.statusCode))
  })
  await (await fetch(url)).text()
  expect(await seen.promise).toBe(200)
})

test('a field that the client sent twice is joined; a field that middleware replaced has the new value', async () => {
  const asked = Promise.withResolvers<ExportRequest>()
  const url = await listen((request, response) => {
    request.headers['x-request-id'] = 'from the host'
    const handle: Handler['handle'] = async (made) => {
      asked.resolve(made)
      return answer
    }
    void serveNode({ handle }, request, response, { ...path, address: '192.0.2.1' })
  })
  const socket = connect(Number(url.port), url.hostname)
  socket.write('GET / HTTP/1.0\r\nRange: bytes=0-1\r\nRange: bytes=2-3\r\nX-Request-Id: theirs\r\n\r\n')
  const seen = await asked.promise
  expect(seen.address).toBe('192.0.2.1')
  expect(['range', 'x-request-id', 'if-range'].map((name) => seen.header(name))).toEqual([
    'bytes=0-1, bytes=2-3',
    'from the host',
    undefined,
  ])
  socket.destroy()
})
