import type { Readable } from 'node:stream'

import type { serveNode } from '@sallyport/core'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** The second argument of `app.all`: the handler of a route, and the hook that makes Fastify ignore the request's body. */
export interface ExportRoute {
  /** Replaces the request's body by an empty one, so that no body parser of the host reads it. */
  readonly preParsing: (request: AnyRequest) => Promise<Readable>
  /** Answers the request. */
  readonly handler: (request: AnyRequest, reply: AnyReply) => Promise<void>
}

/** A request over HTTP/1.1 or HTTP/2. Fastify's own type is for one of them. */
export interface AnyRequest extends Pick<FastifyRequest, Read> {
  readonly raw: Parameters<typeof serveNode>[1]
}
type Read = 'headers' | 'ip' | 'method' | 'originalUrl' | 'params' | 'url'

/** A reply over HTTP/1.1 or HTTP/2. */
export interface AnyReply extends Pick<FastifyReply, 'getHeaders'> {
  readonly raw: Parameters<typeof serveNode>[2]
  hijack(): unknown
  send(payload?: unknown): unknown
}
