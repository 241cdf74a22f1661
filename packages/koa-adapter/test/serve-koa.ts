import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Router } from '@koa/router'
import type { ExportHandler } from '@sallyport/core'
import type { Served } from '@sallyport/core/testing'
import type Koa from 'koa'

import { exportDownload, exportTicket } from '../src/koa-adapter.ts'

/** The app of the adapter contract: one route, and the handler for every other path. */
export function mount(app: Koa, handler: ExportHandler): Koa {
  const router = new Router({ strict: true, sensitive: true })
  router.all('/exports/:exportId/download', exportDownload(handler))
  if (handler.issuesTickets) router.all('/exports/:exportId/ticket', exportTicket(handler))
  app.use(router.routes()).use(exportDownload(handler))
  // Koa reports every client that resets its connection.
  app.silent = true
  return app
}

export async function listen(app: Koa): Promise<Served> {
  const answer = app.callback()
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
