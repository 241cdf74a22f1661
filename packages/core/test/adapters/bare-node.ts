import { createServer } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'

import { serveNode } from '../../src/node/serve-node.ts'
import type { ExportHandler, ExportRequest } from '../../src/request-response.ts'
import type { Served } from '../../src/testing/adapter-contract.ts'

/** `/exports/{exportId}/download` and `/exports/{exportId}/ticket`, by hand; every other path without the parameter. */
export function routeParams(target: string): ExportRequest['params'] {
  const [path = ''] = target.split('?')
  const [, segment] = /^\/exports\/([^/]+)\/(?:download|ticket)$/.exec(path) ?? []
  try {
    return segment === undefined ? {} : { exportId: decodeURIComponent(segment) }
  } catch {
    return {}
  }
}

const routed = (handler: ExportHandler, target: string): Pick<ExportHandler, 'handle'> =>
  /^\/exports\/[^/]+\/ticket(?:\?|$)/.test(target) ? { handle: handler.handleTicket } : handler

export async function serveHttp(handler: ExportHandler): Promise<Served> {
  const server = createServer((request, response) => {
    const { url = '' } = request
    const { remoteAddress = '' } = request.socket
    void serveNode(routed(handler, url), request, response, {
      params: routeParams(url),
      address: remoteAddress,
    })
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

export async function serveHttp2(handler: ExportHandler): Promise<Served> {
  const answer = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    const { url } = request
    void serveNode(routed(handler, url), request, response, { params: routeParams(url) })
  }
  const server = createHttp2Server({ settings: { maxConcurrentStreams: 100 } }, answer)
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: new URL(`h2c://127.0.0.1:${(server.address() as AddressInfo).port}`),
    close: async () => {
      for (const session of sessions) session.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
