import type { ExportHandler } from '@sallyport/core'
import { checkHandler, checkTicketHandler, serveNode } from '@sallyport/core'
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'

/**
 * Mounts an export handler: `app.all('/exports/:exportId/download', exportDownload(handler))`. Use `all`, so that the
 * handler answers every method itself. It never calls `next`.
 *
 * @throws TypeError if `handler` was not made by `createExportHandler`
 */
export function exportDownload(handler: ExportHandler): RequestHandler {
  checkHandler('exportDownload', handler)
  return (request, response) => serve(handler.handle, request, response)
}

/**
 * Mounts the route that issues tickets, next to the download route:
 * `app.all('/exports/:exportId/ticket', exportTicket(handler))`. It never calls `next`.
 *
 * @throws TypeError if `handler` was not made by `createExportHandler` with the option `tickets`
 */
export function exportTicket(handler: ExportHandler): RequestHandler {
  checkTicketHandler('exportTicket', handler)
  return (request, response) => serve(handler.handleTicket, request, response)
}

/**
 * Makes the handler answer requests for a path that Express cannot decode (`%zz`). Otherwise Express sends an HTML page with a
 * stack trace. Use it as `app.use('/exports', malformedPath(handler))`. Passes any other error to `next`.
 *
 * @throws TypeError if `handler` was not made by `createExportHandler`
 */
export function malformedPath(handler: ExportHandler): ErrorRequestHandler {
  checkHandler('malformedPath', handler)
  return (error: unknown, request, response, next) => {
    // Express sets a status on its own URIError. One without a status comes from the host.
    if (!(error instanceof URIError && 'status' in error)) return next(error)
    return serve(handler.handle, request, response)
  }
}

function serve(handle: ExportHandler['handle'], request: Request, response: Response): Promise<void> {
  const { ip, originalUrl: url } = request
  const params: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.params)) {
    params[name] = Array.isArray(value) ? value.join('/') : value
  }
  return serveNode({ handle }, request, response, { params, url, ...(ip !== undefined && { address: ip }) })
}
