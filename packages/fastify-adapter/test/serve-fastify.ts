import type { ExportHandler } from '@sallyport/core'
import type { Served } from '@sallyport/core/testing'
import Fastify from 'fastify'

import { exportDownload, exportTicket, malformedPath } from '../src/fastify-adapter.ts'

/** The app of the adapter contract: two routes, and the handler for every other path. */
export async function serveFastify(handler: ExportHandler): Promise<Served> {
  const app = Fastify({
    forceCloseConnections: true,
    frameworkErrors: malformedPath(handler),
    // As node:http, which announces the one and sends the other without a body.
    keepAliveTimeout: 5_000,
    clientErrorHandler: ({ code }, socket) => {
      const status =
        code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
    },
  })
  app.addHttpMethod('PROPFIND')
  app.all('/exports/:exportId/download', exportDownload(handler))
  if (handler.issuesTickets) app.all('/exports/:exportId/ticket', exportTicket(handler))
  app.all('/*', exportDownload(handler))
  return { url: new URL(await app.listen({ host: '127.0.0.1', port: 0 })), close: () => app.close() }
}

export async function serveFastifyHttp2(handler: ExportHandler): Promise<Served> {
  const malformed = malformedPath(handler)
  const app = Fastify({ http2: true, forceCloseConnections: true, frameworkErrors: malformed })
  app.addHttpMethod('PROPFIND')
  app.all('/exports/:exportId/download', exportDownload(handler))
  if (handler.issuesTickets) app.all('/exports/:exportId/ticket', exportTicket(handler))
  app.all('/*', exportDownload(handler))
  const { host } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  return { url: new URL(`h2c://${host}`), close: () => app.close() }
}
