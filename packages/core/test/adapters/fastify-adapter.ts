import { type ExportHandler, serveNode } from '@sallyport/core'
import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Mounts an export handler: `app.all(path, { onRequest: exportDownload(handler) }, unreached)`. As a hook, so that it
 * comes before Fastify parses a body or refuses its type. It hijacks the reply: no other hook and no handler follows.
 *
 * As `frameworkErrors` of the app it also answers for paths that cannot be decoded: there are no parameters then.
 */
export const exportDownload =
  (handler: Pick<ExportHandler, 'handle'>) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.hijack()
    await serveNode(handler, request.raw, reply.raw, {
      params: textOf(request.params),
      address: request.ip,
    })
  }

const textOf = (params: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(params ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
