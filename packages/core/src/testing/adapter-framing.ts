import { deepEqual, equal, ok } from 'node:assert/strict'

import type { ExportRequest } from '../request-response.ts'
import { expectedAnswer, sameAnswer } from './adapter-expectation.ts'
import { type AdapterCase, pathOf, request } from './adapter-scene.ts'
import { requestHead } from './http1-client.ts'
import { type Http1Connection, openHttp1 } from './http1-connection.ts'
import { exportIds } from './watched-handler.ts'
import { valueOf, type WireAnswer, type WireRequest } from './wire.ts'

const over = 'http/1.1'
const whole: ExportRequest['params'] = { exportId: exportIds.whole }
const field = (...pair: readonly [string, string]): string => requestHead(request({ headers: [pair] }))

/** Cases that send raw bytes on one connection, where a client library would hide errors. */
export const framing: readonly AdapterCase[] = [
  {
    title: 'pipelined requests are answered in their order, on one connection',
    over,
    run: async (scene) => {
      const asked = [...mixed, ...mixed]
      const connection = await openHttp1(scene.url)
      connection.send(asked.map(([one]) => requestHead(one)).join(''))
      for (const [one, params] of asked) {
        sameAnswer(await connection.answer(one.method), await expectedAnswer(one, params), over)
      }
      connection.socket.end()
      equal((await connection.ended()).left.length, 0, 'nothing follows the last answer')
    },
  },
  {
    title: 'requests one after the other on one connection, with every kind of response',
    over,
    run: async (scene) => {
      const connection = await openHttp1(scene.url)
      for (const [one, params] of mixed) {
        connection.send(requestHead(one))
        const seen = await connection.answer(one.method)
        sameAnswer(seen, await expectedAnswer(one, params), over)
        equal(valueOf(seen, 'connection'), 'keep-alive')
      }
      connection.socket.destroy()
    },
  },
  ...[
    { what: 'GET with a body', head: field('Content-Length', '5'), body: 'hello' },
    {
      what: 'GET with a chunked body',
      head: field('Transfer-Encoding', 'chunked'),
      body: '5\r\nhello\r\n0\r\n\r\n',
    },
    {
      what: 'GET with a request inside its body',
      head: field('Content-Length', String(requestHead(request()).length)),
      body: requestHead(request()),
    },
    {
      what: 'GET with a body, and a request after it',
      head: field('Content-Length', '5'),
      body: `hello${requestHead(request())}`,
    },
  ].map(({ what, head, body }): AdapterCase => ({
    title: `${what}: one response, then the end of the connection`,
    over,
    run: async (scene) => {
      const connection = await openHttp1(scene.url)
      connection.send(head + body)
      const seen = await connection.answer('GET')
      sameAnswer(seen, await expectedAnswer(request(), whole), over)
      await connectionEnded(connection, seen)
    },
  })),
  ...[
    { what: 'a list of ranges', range: 'bytes=0-9, 1000-1009' },
    { what: 'a list that is one range', range: 'bytes=0-9, 20-29' },
    { what: 'a list beyond the end', range: 'bytes=900000-, 900010-' },
    { what: 'a malformed list', range: 'bytes=9-1,' },
  ].map(({ what, range }): AdapterCase => ({
    title: `${what}: one response, then the end of the connection`,
    over,
    run: async (scene) => {
      const asked = request({ headers: [['Range', range]] })
      const connection = await openHttp1(scene.url)
      connection.send(requestHead(asked).repeat(2))
      const seen = await connection.answer('GET')
      sameAnswer(seen, await expectedAnswer(asked, whole), over)
      await connectionEnded(connection, seen)
    },
  })),
  {
    title: 'POST with a body that never ends: one response, then the end of the connection',
    over,
    run: async (scene) => {
      const asked = request({ method: 'POST', headers: [['Content-Length', '2000000000']] })
      const connection = await openHttp1(scene.url)
      const sent = sendWhileOpen(connection, requestHead(asked))
      const seen = await connection.answer('POST')
      sameAnswer(seen, await expectedAnswer(asked, whole), over)
      equal(valueOf(seen, 'connection'), 'close')
      await connection.ended()
      ok((await sent) < 100_000_000, 'the body was not read')
    },
  },
  ...[
    { what: 'without keep-alive', headers: [], connection: 'close' },
    { what: 'with keep-alive', headers: [['Connection', 'keep-alive']], connection: 'keep-alive' },
  ].map(({ what, headers, connection: how }): AdapterCase => ({
    title: `HTTP/1.0 ${what}`,
    over,
    run: async (scene) => {
      const connection = await openHttp1(scene.url)
      const head = requestHead(
        request({ headers: headers.map(([name = '', value = '']) => [name, value]) }),
        '1.0',
      )
      for (const _ of how === 'close' ? [1] : [1, 2]) {
        connection.send(head)
        const seen = await connection.answer('GET')
        sameAnswer(seen, await expectedAnswer(request(), whole), over)
        equal(valueOf(seen, 'connection'), how)
      }
      if (how === 'close') equal((await connection.ended()).left.length, 0)
      connection.socket.destroy()
    },
  })),
  ...[
    {
      what: 'Content-Length beside Transfer-Encoding',
      bytes: `${field('Content-Length', '5').slice(0, -2)}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    },
    {
      what: 'two lengths',
      bytes: `${field('Content-Length', '5').slice(0, -2)}Content-Length: 6\r\n\r\nhello!`,
    },
    { what: 'a malformed length', bytes: field('Content-Length', '+5') },
    { what: 'a space before the colon', bytes: field('X-Org-Name ', 'acme') },
    { what: 'a NUL in a value', bytes: field('X-Other', 'a\0b') },
    { what: 'a bare CR in a value', bytes: field('X-Other', 'a\rb') },
    { what: 'a malformed method', bytes: requestHead(request({ method: 'G(T' })) },
    { what: 'a version that does not exist', bytes: requestHead(request()).replace('HTTP/1.1', 'HTTP/9.9') },
  ].map(({ what, bytes }): AdapterCase => ({
    title: `${what}: one refusal by the server, and no request to the handler`,
    over,
    run: async (scene) => {
      const { socket, send, ended, head } = await openHttp1(scene.url)
      send(bytes + requestHead(request()))
      equal((await head()).status, 400)
      socket.end()
      equal(Buffer.from((await ended()).left).includes('HTTP/1.1'), false, 'a second answer')
      equal(scene.watched.asked(), 0)
    },
  })),
  {
    title: 'a folded field is one value or a refusal, never two fields',
    over,
    run: async ({ url, watched }) => {
      const { socket, send, head, ended } = await openHttp1(url)
      send(field('X-Other', 'a\r\n X-API-Version: v2'))
      const { status, headers } = await head()
      socket.end()
      await ended()
      deepEqual(
        [status, valueOf({ headers }, 'x-api-version'), watched.asked()],
        status === 400 ? [400, undefined, 0] : [200, 'v1', 1],
      )
    },
  },
]

/** Requests whose responses have every framing: with a body, without one, with a length but no body (HEAD), and in parts. */
const mixed: readonly (readonly [WireRequest, ExportRequest['params']])[] = [
  [request(), whole],
  [request({ method: 'HEAD' }), whole],
  [request({ headers: [['If-None-Match', '*']] }), whole],
  [request({ headers: [['Range', 'bytes=900000-']] }), whole],
  [request({ id: exportIds.empty }), { exportId: exportIds.empty }],
  [request({ method: 'OPTIONS' }), whole],
  [request({ token: 'stranger' }), whole],
  [request({ path: pathOf('%zz') }), {}],
  [request({ method: 'HEAD', id: exportIds.silent }), { exportId: exportIds.silent }],
  [request({ headers: [['Range', 'bytes=-70000']] }), whole],
  [request({ method: 'DELETE' }), whole],
]

async function connectionEnded({ ended }: Http1Connection, answer: WireAnswer): Promise<void> {
  equal(valueOf(answer, 'connection'), 'close')
  equal((await ended()).left.length, 0, 'nothing follows the answer')
}

/** Sends zeros until the connection has ended. Resolves with the number of bytes sent. */
async function sendWhileOpen({ socket }: Http1Connection, head: string): Promise<number> {
  const zeros = Buffer.alloc(65_536)
  socket.write(head)
  await new Promise<void>((resolve) => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(zeros));
    }
    socket.on('drain', more)
    socket.once('close', () => resolve())
    more()
  })
  return socket.bytesWritten
}
