import { randomBytes } from 'node:crypto'
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2'
import { createServer as createHttpsServer, request as requestHttps } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

import { serveNode } from '../../src/node/serve-node.ts'
import type { ExportHandler } from '../../src/request-response.ts'
import { exportId, path } from './guard.ts'

/** What a client saw of one answer. */
interface Seen {
  readonly status: number
  readonly bytes: Buffer
  /** How it broke, in the client's words; `undefined`: it ended well. */
  readonly broke: string | undefined
}

/** A server of one protocol, and a real client of it. */
export interface Wire {
  /** @param dawdle - the client reads no byte of the body before it resolves */
  readonly download: (fields?: Record<string, string>, dawdle?: Promise<unknown>) => Promise<Seen>
  readonly port: number
  /** A raw connection; on https, within TLS. `via`: to this port in the place of the server's. */
  readonly connect: (via?: number) => Socket
  close(): Promise<void>
}

export type Protocol = 'http/1.1' | 'https' | 'http/2'
export const protocols: readonly Protocol[] = ['http/1.1', 'https', 'http/2']

type Wrap = (response: ServerResponse | Http2ServerResponse) => void

/**
 * Serves a handler, and fetches its one export.
 *
 * @param wrap - a middleware that lays hands on the response first
 */
export async function wire(protocol: Protocol, handler: ExportHandler, wrap?: Wrap): Promise<Wire> {
  const listener = (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void => {
    wrap?.(response)
    void serveNode(handler, request, response, { params: { exportId } })
  }
  // A key that both sides know spares the certificate.
  const psk = randomBytes(32)
  const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const
  const servers: Record<Protocol, () => Server> = {
    'http/1.1': () => createServer(listener),
    https: () => createHttpsServer({ ...tls, pskCallback: () => psk }, listener),
    'http/2': () => createHttp2Server(listener),
  }
  const server = servers[protocol]()
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const where = { host: '127.0.0.1', port, path, agent: false }
  const pskClient = {
    ...tls,
    pskCallback: () => ({ psk, identity: 'test' }),
    checkServerIdentity: () => undefined,
  }
  const clients: Record<Protocol, Wire['download']> = {
    'http/1.1': (fields, dawdle) => read(request({ ...where, headers: allowed(fields) }), dawdle),
    https: (fields, dawdle) =>
      read(requestHttps({ ...where, ...pskClient, headers: allowed(fields) }), dawdle),
    'http/2': (fields, dawdle) => readHttp2(`http://127.0.0.1:${port}`, allowed(fields), dawdle),
  }
  return {
    download: clients[protocol],
    port,
    connect: (via = port) =>
      protocol === 'https'
        ? connectTls({ port: via, host: '127.0.0.1', ...pskClient })
        : connect({ port: via, host: '127.0.0.1' }),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const allowed = (fields: Record<string, string> = {}): Record<string, string> => ({
  authorization: 'Bearer token',
  ...fields,
})

const read = (client: ClientRequest, dawdle?: Promise<unknown>): Promise<Seen> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    let status = 0
    const settle = (broke?: string): void => resolve({ status, bytes: Buffer.concat(chunks), broke })
    client.on('response', (response) => {
      status = response.statusCode ?? 0
      response.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
      response.on('end', () => settle())
      const listen = (): unknown => response.on('data', (chunk: Buffer) => chunks.push(chunk))
      if (dawdle) void dawdle.then(listen)
      else listen()
    })
    client.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
    client.end()
  })

const readHttp2 = (url: string, headers: Record<string, string>, dawdle?: Promise<unknown>): Promise<Seen> =>
  new Promise((resolve) => {
    const session = connectHttp2(url)
    session.on('error', () => undefined)
    const stream = session.request({ ...headers, ':path': path })
    const chunks: Buffer[] = []
    let status = 0
    stream.on('response', (fields) => (status = fields[':status'] ?? 0))
    const listen = (): unknown => stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    if (dawdle) void dawdle.then(listen)
    else listen()
    stream.on('error', () => undefined)
    stream.on('close', () => {
      session.destroy()
      const { rstCode } = stream
      const broke = rstCode === constants.NGHTTP2_NO_ERROR ? undefined : codeName(rstCode)
      resolve({ status, bytes: Buffer.concat(chunks), broke })
    })
  })

const codeName = (code = -1): string =>
  ['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR'][code] ?? `code ${code}`
