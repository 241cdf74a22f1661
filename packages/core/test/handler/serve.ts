import { createServer, type ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'

import { serveNode } from '../../src/node/serve-node.ts'
import type { ExportHandler } from '../../src/request-response.ts'

/** A server on 127.0.0.1. `await using` closes it. */
export interface Served extends AsyncDisposable {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

export interface ServeOptions extends Pick<ServerOptions, 'maxHeaderSize'> {
  /** The route parameter that the id is handed on as; 'exportId' by default. */
  readonly parameter?: string
}

/** A bare Node server around a handler: the last path segment but one is the export id. */
export async function serve(
  handler: ExportHandler,
  { parameter = 'exportId', ...options }: ServeOptions = {},
): Promise<Served> {
  const server = createServer(options, (request, response) => {
    const id = (request.url ?? '').split('/').at(-2) ?? ''
    const address = request.socket.remoteAddress
    void serveNode(handler, request, response, {
      params: { [parameter]: decodeURIComponent(id) },
      ...(address !== undefined && { address }),
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${port}`, port, close, [Symbol.asyncDispose]: close }
}
