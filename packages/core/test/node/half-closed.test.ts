import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'

import { describe, expect, onTestFinished, test } from 'vitest'

import { serveNode } from '../../src/node/serve-node.ts'
import type { ExportStore } from '../../src/ports.ts'
import type { ExportHandler } from '../../src/request-response.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { exportId, key, openGuard, path, until } from '../exact-bytes/guard.ts'
import { readToEnd } from '../exact-bytes/raw.ts'

// Clients that close their sending side behind the request, and a server with `httpAllowHalfOpen`.

const whole = Buffer.from(positionCoded(2_000_003))
const memory = createMemoryStore({ [key]: whole })
const get = (fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer token\r\n${fields}\r\n`
const bodyOf = (text: Buffer): Buffer => text.subarray(text.indexOf('\r\n\r\n') + 4)

interface HalfOpen {
  /** A client that writes the request and ends its side. It reads what `readToEnd` asks for. */
  readonly ask: (request: string) => Socket
  /** Resolves when the server has seen the end of the client's side. */
  readonly sawEnd: Promise<void>
}

async function serve(handler: ExportHandler): Promise<HalfOpen> {
  const server: Server = createServer((request, response) => {
    void serveNode(handler, request, response, { params: { exportId } })
  })
  Object.assign(server, { httpAllowHalfOpen: true })
  const sawEnd = Promise.withResolvers<void>()
  server.on('connection', (socket) => socket.once('end', sawEnd.resolve))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const ask = (request: string): Socket => {
    const socket = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true })
    onTestFinished(() => void socket.destroy())
    socket.end(request)
    return socket
  }
  return { ask, sawEnd: sawEnd.promise }
}

/** A store that answers once `open` resolves. */
const waiting = (open: Promise<void>): ExportStore => ({
  head: async (...asked) => {
    await open
    return memory.head(...asked)
  },
  get: async (...asked) => {
    await open
    return memory.get(...asked)
  },
})

describe('a client that half-closes its connection', () => {
  test('gets the whole answer, also if the store answers after the half-close', async () => {
    const opened = Promise.withResolvers<void>()
    const guard = openGuard(waiting(opened.promise))
    const server = await serve(guard.handler)
    const answer = readToEnd(server.ask(get()))
    await server.sawEnd
    opened.resolve()
    const { text, ended } = await answer
    expect([bodyOf(text).equals(whole), ended]).toEqual([true, 'ended'])
    await until(() => guard.ended().length === 1)
    expect(guard.ended()).toMatchObject([{ outcome: 'completed', bytesSent: whole.length }])
  })

  test('gets every answer of a pipeline, and then the end of the connection', async () => {
    const opened = Promise.withResolvers<void>()
    const server = await serve(openGuard(waiting(opened.promise)).handler)
    const answers = readToEnd(server.ask(get('Range: bytes=0-9\r\n') + get()))
    await server.sawEnd
    opened.resolve()
    const { text, ended } = await answers
    const [first, second] = text.toString('latin1').split(/(?<=.)(?=HTTP\/1\.1 )/s)
    expect(first).toMatch(/^HTTP\/1\.1 206 /)
    expect(second).toMatch(/^HTTP\/1\.1 200 /)
    expect([bodyOf(Buffer.from(second ?? '', 'latin1')).equals(whole), ended]).toEqual([true, 'ended'])
  })

  test('gets a refusal', async () => {
    const server = await serve(openGuard(memory).handler)
    const { text, ended } = await readToEnd(server.ask(get('Range: bytes=9999999-\r\n')))
    expect([text.toString().slice(0, 13), ended]).toEqual(['HTTP/1.1 416 ', 'ended'])
  })

  test('and never reads is cut after slowestClient.perMs', async () => {
    const large = createMemoryStore({ [key]: new Uint8Array(32 * 2 ** 20) })
    const guard = openGuard(large, { delivery: { slowestClient: { bytes: 65_536, perMs: 300 } } })
    const server = await serve(guard.handler)
    server.ask(get()).pause()
    await until(() => guard.ended().length === 1)
    expect(guard.ended()).toMatchObject([{ outcome: 'client_too_slow' }])
  })

  test('and then closes it has left', async () => {
    const large = createMemoryStore({ [key]: new Uint8Array(32 * 2 ** 20) })
    const guard = openGuard(large)
    const server = await serve(guard.handler)
    const socket = server.ask(get())
    await once(socket, 'data')
    socket.destroy()
    await until(() => guard.ended().length === 1)
    expect(guard.ended()).toMatchObject([{ outcome: 'client_aborted' }])
  })
})
