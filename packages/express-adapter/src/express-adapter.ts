import type { ExportHandler } from '@sallyport/core'
import { checkHandler, serveNode } from '@sallyport/core'
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'

/**
 * Mounts an export handler: `app.all('/exports/:exportId/download', exportDownload(handler))`. Use `all`, so that the
 * handler answers every method itself. It never calls `next`.
 *
 * @throws TypeError where it is not a handler of `createExportHandler`
 */
export function exportDownload(handler: ExportHandler): RequestHandler {
  checkHandler('exportDownload', handler)
  return (request, response) => serve(handler, request, response)
}

/**
 * Lets the handler answer for a path that Express cannot decode (`%zz`), which otherwise becomes an HTML page with a
 * stack: `app.use('/exports', malformedPath(handler))`. Any other error goes on to `next`.
 *
 * @throws TypeError where it is not a handler of `createExportHandler`
 */
export function malformedPath(handler: ExportHandler): ErrorRequestHandler {
  checkHandler('malformedPath', handler)
  return (error: unknown, request, response, next) => {
    // Express marks its own with a status; one without it was thrown by the host.
    if (!(error instanceof URIError && 'status' in error)) return next(error)
    return serve(handler, request, response)
  }
}

function serve(handler: ExportHandler, request: Request, response: Response): Promise<void> {
  const { ip } = request
  const params: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.params)) {
    params[name] = Array.isArray(value) ? value.join('/') : value
  }
  return serveNode(handler, request, response, { params, ...(ip !== undefined && { address: ip }) })
}
