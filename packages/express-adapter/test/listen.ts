import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Served } from '@sallyport/core/testing'
import type { Express } from 'express'

/** Starts a server for an app, on a loopback port. */
export async function listen(app: Express): Promise<Served & AsyncDisposable> {
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    close,
    [Symbol.asyncDispose]: close,
  }
}
