import { Readable } from 'node:stream'

import type { ExportHandler, ExportRequest } from '@sallyport/core'
import { checkHandler, checkTicketHandler, serveNode } from '@sallyport/core'

import type { AnyReply, AnyRequest, ExportRoute } from './export-route.ts'

export type { ExportRoute } from './export-route.ts'

/**
 * Mounts an export handler: `app.all('/exports/:exportId/download', exportDownload(handler))`. Use `all`, so that the handler
 * answers every method itself. Your hooks up to `preHandler` run before it, and `onResponse` after it. `onSend` does not run.
 *
 * @throws TypeError if `handler` was not made by `createExportHandler`
 */
export function exportDownload(handler: ExportHandler): ExportRoute {
  checkHandler('exportDownload', handler)
  return { preParsing: ignoreBody, handler: serve(handler.handle) }
}

/**
 * Mounts the route that issues tickets, next to the download route:
 * `app.all('/exports/:exportId/ticket', exportTicket(handler))`.
 *
 * @throws TypeError if `handler` was not made by `createExportHandler` with the option `tickets`
 */
export function exportTicket(handler: ExportHandler): ExportRoute {
  checkTicketHandler('exportTicket', handler)
  return { preParsing: ignoreBody, handler: serve(handler.handleTicket) }
}

/**
 * Makes the handler answer requests for a path that Fastify cannot decode (`%zz`) or that has too long a parameter:
 * `Fastify({ frameworkErrors: malformedPath(handler) })`. This is for all paths of the app. Any other error is sent as before.
 *
 * @throws TypeError if `handler` was not made by `createExportHandler`
 */
export function malformedPath(
  handler: ExportHandler,
): (error: Error & { readonly code: string }, request: AnyRequest, reply: AnyReply) => void {
  checkHandler('malformedPath', handler)
  return (error, request, reply) => {
    if (pathErrors.has(error.code)) void serve(handler.handle)(request, reply)
    else reply.send(error)
  }
}

const pathErrors = new Set(['FST_ERR_BAD_URL', 'FST_ERR_MAX_PARAM_LENGTH'])

/** Otherwise Fastify would parse the body, or refuse its type. A QUERY must have a type. */
async function ignoreBody(request: AnyRequest): Promise<Readable> {
  const type = request.method === 'QUERY' ? 'text/plain' : undefined
  request.headers = { 'content-type': type, 'content-length': '0', 'transfer-encoding': undefined }
  return Readable.from([])
}

const serve =
  (handle: ExportHandler['handle']): ExportRoute['handler'] =>
  async (request, reply) => {
    const { raw, ip: address, originalUrl: url } = request
    // A hijacked reply has lost the headers that hooks have set.
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value)
    }
    reply.hijack()
    await serveNode({ handle }, raw, reply.raw, { params: routeParams(request), address, url })
  }

/**
 * The route parameters. None, if another segment is percent-encoded: Fastify decodes a path before it looks for the route, so
 * `/exports/1/downloa%64` matches, although an access rule of a proxy may not.
 */
function routeParams({ params, url }: AnyRequest): ExportRequest['params'] {
  const texts = Object.entries(params ?? {}).filter(isText)
  // If there is a parameter, then Fastify could decode the path.
  const isParameter = (segment: string): boolean =>
    texts.some(([, value]) => value.includes(decodeURIComponent(segment)))
  const encoded = (url.split('?')[0] ?? '').split('/').filter((segment) => segment.includes('%'))
  return encoded.every(isParameter) ? Object.fromEntries(texts) : {}
}

const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string'
