import type { ExportHandler, ExportRequest } from '@sallyport/core'
import { checkHandler, serveNode } from '@sallyport/core'
import type { Middleware } from 'koa'

/**
 * Mounts an export handler: `router.all('/exports/:exportId/download', exportDownload(handler))`. Use `all`, so that the
 * handler answers every method itself. It never calls `next`; what was called before it sees the final `ctx.status`.
 *
 * Mount it on its route only. As `app.use(exportDownload(handler))` it would refuse every URL that no route takes. A path that
 * cannot be decoded (`%zz`) reaches the route, and is refused as a malformed id.
 *
 * The caller's address is `ctx.ip`: behind a proxy, with `app.proxy`, set `app.maxIpsCount` to the number of proxies, or
 * callers choose it themselves.
 *
 * @throws TypeError where it is not a handler of `createExportHandler`
 */
export function exportDownload(handler: ExportHandler): Middleware {
  checkHandler('exportDownload', handler)
  return async (ctx) => {
    // Koa would end a stream that broke off; the writing is ours, so that a cut is a cut.
    ctx.respond = false
    await serveNode(handler, ctx.req, ctx.res, {
      params: routeParams(ctx),
      ...(ctx.ip !== '' && { address: ctx.ip }),
    })
  }
}

/** What the router found. It leaves text that cannot be decoded as it is; that is no parameter. */
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
