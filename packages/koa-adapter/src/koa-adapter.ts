import type { ExportHandler, ExportRequest } from '@sallyport/core'
import { checkHandler, checkTicketHandler, serveNode } from '@sallyport/core'
import type { Middleware } from 'koa'

/**
 * Mounts an export handler: `router.all('/exports/:exportId/download', exportDownload(handler))`. Use `all`, so that the
 * handler answers every method itself. It never calls `next`. Middleware before it sees the final `ctx.status`.
 *
 * Mount it only on its route. With `app.use(exportDownload(handler))` it would refuse every URL without a route. A path that
 * cannot be decoded (`%zz`) reaches the route, and is refused as a malformed id.
 *
 * The client's address is `ctx.ip`. Behind a proxy, with `app.proxy`, set `app.maxIpsCount` to the number of proxies. Otherwise
 * clients can choose their address.
 *
 * @throws TypeError if `handler` was not made by `createExportHandler`
 */
export function exportDownload(handler: ExportHandler): Middleware {
  checkHandler('exportDownload', handler)
  return serve(handler.handle)
}

/**
 * Mounts the route that issues tickets, next to the download route:
 * `router.all('/exports/:exportId/ticket', exportTicket(handler))`. It never calls `next`.
 *
 * @throws TypeError if `handler` was not made by `createExportHandler` with the option `tickets`
 */
export function exportTicket(handler: ExportHandler): Middleware {
  checkTicketHandler('exportTicket', handler)
  return serve(handler.handleTicket)
}

const serve =
  (handle: ExportHandler['handle']): Middleware =>
  async (ctx) => {
    // If Koa wrote the body, it would end a failed stream normally. serveNode cuts the connection.
    ctx.respond = false
    await serveNode({ handle }, ctx.req, ctx.res, {
      params: routeParams(ctx),
      url: ctx.originalUrl,
      ...(ctx.ip !== '' && { address: ctx.ip }),
    })
  }

/** The route parameters. The router leaves text that it cannot decode unchanged; such a parameter is left out. */
function routeParams(ctx: { readonly path: string; readonly params?: unknown }): ExportRequest['params'] {
  if (!isDecodable(ctx.path) || typeof ctx.params !== 'object' || ctx.params === null) return {}
  return Object.fromEntries(Object.entries(ctx.params).filter(([, value]) => typeof value === 'string'))
}

function isDecodable(path: string): boolean {
  try {
    return decodeURIComponent(path) !== undefined
  } catch {
    return false
  }
}
