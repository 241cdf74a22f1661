import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { ExportHandler } from '@sallyport/core'
import type { Served } from '@sallyport/core/testing'
import { exportDownload, exportTicket, malformedPath } from '@sallyport/express-adapter'
import type express from 'express'

/** The app of the adapter contract, in Express. */
export async function serveExpress(app: express.Express, handler: ExportHandler): Promise<Served> {
  app.enable('strict routing').enable('case sensitive routing')
  app.all('/exports/:exportId/download', exportDownload(handler))
  if (handler.issuesTickets) app.all('/exports/:exportId/ticket', exportTicket(handler))
  app.use(exportDownload(handler), malformedPath(handler))
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
