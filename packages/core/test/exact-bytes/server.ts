import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

import { serveNode } from '../../src/node/serve-node.ts'
import type { ExportHandler } from '../../src/request-response.ts'

/** A bare Node server around a handler, which counts its connections. */
export interface TestServer {
  readonly url: string
  readonly port: number
  /** Connections made so far, and those that are open. */
  readonly made: () => number
  readonly open: () => number
  close(): Promise<void>
}

export async function serve(handler: ExportHandler, listener = answering(handler)): Promise<TestServer> {
  const sockets = new Set<Socket>()
  let made = 0
  const server = createServer(listener)
  server.on('connection', (socket) => {
    made += 1
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    made: () => made,
    open: () => sockets.size,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The last path segment but one is the export id. */
const answering =
  (handler: ExportHandler): RequestListener =>
  (request, response) => {
    const exportId = (request.url ?? '').split('/').at(-2)
    void serveNode(handler, request, response, { params: { exportId } })
  }
