import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { serveNode } from '../../src/node/serve-node.ts'
import type { ExportStore } from '../../src/ports.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { exportId, key, openGuard, path, stands, until } from './guard.ts'
import { readToEnd } from './raw.ts'
import { type Protocol, protocols, type Wire, wire } from './wires.ts'

// A body that stops: how its connection ends, what was counted, and that a resume is still exact.

const size = 2_000_003
const whole = Buffer.from(positionCoded(size))
const holding = createMemoryStore({ [key]: whole })
const delivery = { resume: { attempts: 0, withinMs: 1_000 } }
const cutting = (): ExportStore =>
  createChaosStore(holding, { faults: [{ does: 'cut', atByte: 1_000_000, times: 9 }] })

/** `count` chunks of `bytes`, and how many were asked for. */
const chunks = (count: number, bytes: number): { asked: () => number; store: ExportStore } => {
  const chunk = Buffer.alloc(bytes, 'x')
  const info = { size: count * bytes, validator: 'v' }
  let asked = 0
  return {
    asked: () => asked,
    store: {
      head: async () => info,
      get: async () => ({
        info,
        close: () => undefined,
        chunks: (async function* read() {
          for (; asked < count;) {
            asked += 1
            yield chunk
          }
        })(),
      }),
    },
  }
}

const get = (version: string, fields = ''): string =>
  `GET ${path} HTTP/${version}\r\nHost: test\r\nAuthorization: Bearer token\r\n${fields}\r\n`
const body = (text: Buffer): Buffer => text.subarray(text.indexOf('\r\n\r\n') + 4)

// Node 22 as a client may report a reset as an end, if it had read all that came before.
const reset = process.versions.node.startsWith('22.') ? ['ECONNRESET', 'ended'] : ['ECONNRESET']
const mebibyte = 1_048_576
const browser = 'Sec-Fetch-Mode: navigate\r\n'

describe.each<[string, Protocol, string, string, readonly string[]]>([
  ['HTTP/1.1: a reset', 'http/1.1', '1.1', '', reset],
  ['HTTP/1.0: a reset', 'http/1.1', '1.0', '', reset],
  ['HTTP/1.1, a browser: an end before the length', 'http/1.1', '1.1', browser, ['ended']],
  ['HTTP/1.0, a browser: an end before the length', 'http/1.1', '1.0', browser, ['ended']],
  ['HTTP/1.1 over TLS: an end before the length', 'https', '1.1', '', ['ended']],
  ['HTTP/1.0 over TLS: an end before the length', 'https', '1.0', '', ['ended']],
])('a cut over %s', (_, protocol, version, fields, endings) => {
  test('and the server continues', async () => {
    const guard = openGuard(cutting(), { delivery })
    const server = await wire(protocol, guard.handler)
    const socket = server.connect()
    socket.write(get(version, fields))
    const { text, ended } = await readToEnd(socket)
    expect(endings).toContain(ended)
    expect(body(text).length).toBeLessThan(size)
    expect(whole.subarray(0, body(text).length).equals(body(text))).toBe(true)
    await until(() => guard.ended().length === 1)
    expect(guard.ended()).toMatchObject([{ outcome: 'store_cut' }])
    expect(guard.troubles()).toHaveLength(1)
    expect((await server.download({ range: 'bytes=0-9' })).status).toBe(206)
    await server.close()
  })
})

test('a download that the operator cuts is reset as well', async () => {
  const { store, asked } = chunks(64, mebibyte)
  const guard = openGuard(store)
  const server = await wire('http/1.1', guard.handler)
  const socket = server.connect()
  socket.pause()
  socket.write(get('1.1'))
  await stands(asked)
  expect(guard.handler.cut(() => true)).toBe(1)
  socket.resume()
  expect(reset).toContain((await readToEnd(socket)).ended)
  await server.close()
})

describe('the alerts of TLS 1.2', () => {
  test('none before a cut', async () => {
    expect(await alerts(cutting(), '')).toBe(0)
  })

  test('close_notify at the end of a whole download', async () => {
    expect(await alerts(holding, 'Connection: close\r\n')).toBe(1)
  })
})

/** How many alert records (RFC 5246 §6.2.1, type 21) the server sends. */
async function alerts(store: ExportStore, fields: string): Promise<number> {
  const server = await wire('https', openGuard(store, { delivery }).handler)
  const fromServer: Buffer[] = []
  const ended = Promise.withResolvers<void>()
  const tap = createServer((client) => {
    const upstream = connect(server.port, '127.0.0.1')
    upstream.on('data', (bytes) => fromServer.push(bytes))
    upstream.on('close', () => {
      client.destroy()
      ended.resolve()
    })
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve) => tap.listen(0, '127.0.0.1', resolve))
  const address = tap.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const socket = server.connect(address.port).on('error', () => undefined)
  socket.resume()
  socket.write(get('1.1', fields))
  await ended.promise
  await new Promise((resolve) => tap.close(resolve))
  await server.close()
  const bytes = Buffer.concat(fromServer)
  let found = 0
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    if (bytes[at] === 21) found += 1
  }
  return found
}

test('over a Unix domain socket, which cannot be reset, a cut is a normal end before the length', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-cut-'))
  const file = join(folder, 'socket')
  const { handler } = openGuard(cutting(), { delivery })
  const server = createHttpServer(
    (request, response) => void serveNode(handler, request, response, { params: { exportId } }),
  )
  await new Promise<void>((resolve) => server.listen(file, resolve))
  for (const version of ['1.0', '1.1']) {
    const socket = connect(file)
    socket.write(get(version))
    const { text, ended } = await readToEnd(socket)
    expect([ended, body(text).length < size]).toEqual(['ended', true])
  }
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true })
})

test('a client that resumes after each reset has the exact export', async () => {
  const store: ExportStore = {
    ...holding,
    get: async (key, options, signal) => {
      const object = await holding.get(key, options, signal)
      if (!object) return undefined
      const chunks = async function* upTo300kB(): AsyncGenerator<Uint8Array> {
        let sent = 0
        for await (const chunk of object.chunks) {
          if ((sent += chunk.length) > 300_000) throw new Error('cut')
          yield chunk
        }
      }
      return { ...object, chunks: chunks() }
    },
  }
  const server = await wire('http/1.1', openGuard(store, { delivery }).handler)
  let have = Buffer.alloc(0)
  let tag = ''
  let cuts = 0
  while (have.length < size && cuts < 30) {
    const socket = server.connect()
    const resume = have.length > 0 ? `Range: bytes=${have.length}-\r\nIf-Range: ${tag}\r\n` : ''
    socket.write(get('1.1', `Connection: close\r\n${resume}`))
    const { text } = await readToEnd(socket)
    const head = text.subarray(0, text.indexOf('\r\n\r\n')).toString('latin1')
    tag = /\r\nETag: (.*)/.exec(head)?.[1] ?? tag
    // A reset may take the head along.
    const from = head === '' ? have.length : Number(/\r\nContent-Range: bytes (\d+)/.exec(head)?.[1] ?? 0)
    expect(from).toBe(have.length)
    have = Buffer.concat([have, body(text)])
    cuts += 1
  }
  expect(cuts).toBeGreaterThan(5)
  expect(have.equals(whole)).toBe(true)
  await server.close()
})

test('bytesSent of a pipelining client whose reset is seen only by a write', async () => {
  const { asked, store } = chunks(64, mebibyte)
  const guard = openGuard(store, { delivery: { slowestClient: { bytes: 32 * mebibyte, perMs: 60_000 } } })
  let arrived = 0
  const server = createHttpServer((request, response) => {
    arrived += 1
    void serveNode(guard.handler, request, response, { params: { exportId } })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const socket = connect(address.port, '127.0.0.1').on('error', () => undefined)
  socket.pause()
  socket.write(get('1.1'))
  await stands(asked)
  socket.write(get('1.1'))
  await until(() => arrived === 2) // from now on the server does not read from the socket
  const pending = asked()
  socket.destroy()
  await until(() => guard.ended().length > 0)
  expect(guard.ended()[0]).toMatchObject({
    outcome: 'client_aborted',
    bytesSent: (pending - 1) * mebibyte,
  })
  await new Promise((resolve) => server.close(resolve))
})

describe.each(protocols)('bytesSent over %s', (protocol) => {
  // One piece for each chunk.
  const slowestClient = { bytes: 32 * mebibyte, perMs: 60_000 }

  /** Asks and reads nothing. Returns how to leave: over unread bytes, so with a reset. */
  const stall = (server: Wire): (() => void) => {
    if (protocol === 'http/2') {
      const session = connectHttp2(`http://127.0.0.1:${server.port}`).on('error', () => undefined)
      session
        .request({ ':path': path, authorization: 'Bearer token' })
        .on('error', () => undefined)
        .pause()
      return () => session.destroy()
    }
    const socket = server.connect().on('error', () => undefined)
    socket.pause()
    socket.write(get('1.1'))
    return () => socket.destroy()
  }

  test('does not count the chunk that the socket refused', async () => {
    const { asked, store } = chunks(64, mebibyte)
    const guard = openGuard(store, { delivery: { slowestClient } })
    const server = await wire(protocol, guard.handler)
    const leave = stall(server)
    await stands(asked)
    leave()
    await until(() => guard.ended().length === 1)
    expect(guard.ended()).toMatchObject([{ outcome: 'client_aborted', bytesSent: (asked() - 1) * mebibyte }])
    await server.close()
  })

  test('does not count the last chunk either, and such a download is not completed', async () => {
    const { asked, store } = chunks(1, 32 * mebibyte)
    const guard = openGuard(store, { delivery: { slowestClient } })
    const server = await wire(protocol, guard.handler)
    const leave = stall(server)
    await stands(asked)
    leave()
    await until(() => guard.ended().length === 1)
    expect(guard.ended()).toMatchObject([{ outcome: 'client_aborted', bytesSent: 0 }])
    await server.close()
  })
})
