import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { ExportHandler } from '../../src/ports.ts'
import { serveNode } from '../../src/serve-node.ts'

/** A bare Node server around a handler: the last path segment but one is the export id. */
export async function serve(
  handler: ExportHandler,
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const id = (request.url ?? '').split('/').at(-2) ?? ''
    const address = request.socket.remoteAddress
    void serveNode(handler, request, response, {
      params: { exportId: decodeURIComponent(id) },
      ...(address !== undefined && { address }),
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
