import type { ExportHandler, ExportRequest, ExportResponse } from '@sallyport/core'
import { checkHandler, checkTicketHandler, toReadableStream } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { routeParams } from './route-params.ts'
import { requireSafeRuntime, withLength } from './runtime.ts'

/** How a framework passes the parts of a request that are not in `Request`. `Info` is its second argument. */
export interface FetchRoute<Info = void> {
  /**
   * Returns the route parameters, percent-decoded once. Leave out a parameter that cannot be decoded. If a segment of the path that
   * is in no parameter is percent-encoded, the request is refused as malformed.
   */
  readonly params: (
    request: Request,
    info: Info,
  ) => ExportRequest['params'] | Promise<ExportRequest['params']>
  /** Returns the client's address, as the framework trusts it. Absent: requests are not counted by address. */
  readonly address?: (request: Request, info: Info) => string | undefined
  /**
   * On a runtime that drops `Content-Length` from downloads, such as Bun: `'refuse'` throws when the route is created, `'allow'`
   * sends them in chunks. Clients then see no size, but they still notice a cut.
   * @defaultValue 'refuse'
   */
  readonly onLostLength?: 'refuse' | 'allow'
}

/** A route of a server with the Fetch API. Rejects only with what `params` or `address` throws. */
export type FetchHandler<Info = void> = (request: Request, info: Info) => Promise<Response>

/**
 * Mounts an export handler in a server with the Fetch API: `exportDownload(handler, { params: () => ({ exportId }) })` returns
 * `(request, info) => Promise<Response>`. Mount it for every method. If the framework has Node's request and response, mount the
 * handler with `serveNode` instead: then a cut is certain to reach the client.
 *
 * @throws TypeError if `handler` was not made by `createExportHandler`, for a wrong option, and on a runtime on which a cut
 *   download would look complete
 */
export function exportDownload<Info = void>(
  handler: ExportHandler,
  route: FetchRoute<Info>,
): FetchHandler<Info> {
  checkHandler('exportDownload', handler)
  return serve('exportDownload', handler.handle, route)
}

/**
 * Mounts the route that issues tickets, next to the download route, for every method.
 *
 * @throws TypeError if `handler` was not made by `createExportHandler` with the option `tickets`, and as {@link exportDownload}
 */
export function exportTicket<Info = void>(
  handler: ExportHandler,
  route: FetchRoute<Info>,
): FetchHandler<Info> {
  checkTicketHandler('exportTicket', handler)
  return serve('exportTicket', handler.handleTicket, route)
}

function serve<Info>(
  caller: string,
  handle: ExportHandler['handle'],
  route: FetchRoute<Info>,
): FetchHandler<Info> {
  check.checkOptions(caller, route, routeCheck)
  requireSafeRuntime(caller, route.onLostLength)
  return async (request, info) => {
    const client = new AbortController()
    const leave = (): void => client.abort()
    // Some servers give no signal.
    const signal: AbortSignal | undefined = request.signal
    if (signal?.aborted) leave()
    else signal?.addEventListener('abort', leave, { once: true })
    const { pathname, search } = new URL(request.url)
    const address = route.address?.(request, info)
    const answer = await handle({
      method: request.method,
      params: routeParams(await route.params(request, info), pathname),
      url: `${pathname}${search}`,
      header: (name) => request.headers.get(name) ?? undefined,
      ...(address !== undefined && { address }),
      signal: client.signal,
    })
    return toResponse(answer, client)
  }
}

function toResponse(answer: ExportResponse, client: AbortController): Response {
  const { status, body, closeConnection = false } = answer
  const headers = closeConnection ? { ...answer.headers, Connection: 'close' } : answer.headers
  return new Response(body ? withLength(toReadableStream(body, client), body.length) : null, {
    status,
    headers,
  })
}

const routeCheck = check.object<FetchRoute<never>>('{ params, address?, onLostLength? }', {
  params: check.fn<FetchRoute<never>['params']>('(request, info) => params'),
  address: check.fn<NonNullable<FetchRoute<never>['address']>>('(request, info) => address').optional(),
  onLostLength: check.oneOf('refuse', 'allow').optional(),
})
