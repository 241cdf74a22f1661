import { ContainerClient, newPipeline, type Pipeline } from '@azure/storage-blob'

import { readErrorStream } from '../upstream/error-body.ts'

/**
 * Makes a client of the same container, with the host's credential, options and policies, and one more policy, next to the
 * socket. The host's own client is not changed.
 *
 * The policy reads the body of every error response, within limits, before the SDK collects it. It also removes the `Location`
 * of redirects: the SDK would follow one to another blob on the same host, and return that blob in place of the requested one.
 *
 * @throws TypeError if the client does not have the pipeline of `@azure/storage-blob` 12
 */
export function boundedContainer(container: ContainerClient): ContainerClient {
  const given: unknown = Reflect.get(container, 'pipeline')
  if (!isPipeline(given))
    throw new TypeError(
      'createAzureBlobStore: container: its pipeline is not one of @azure/storage-blob 12, so its answers cannot be bounded',
    )
  const pipeline = newPipeline(container.credential, given.options)
  pipeline.factories.push(...given.factories)
  return new BoundedContainer(container.url, pipeline)
}

const isPipeline = (value: unknown): value is Pipeline =>
  typeof value === 'object' &&
  value !== null &&
  'options' in value &&
  'factories' in value &&
  Array.isArray(value.factories)

class BoundedContainer extends ContainerClient {
  constructor(url: string, pipeline: Pipeline) {
    super(url, pipeline)
    // All blob clients of a container client share its pipeline.
    this.storageClientContext.pipeline.addPolicy(
      {
        name: 'sallyportErrorBody',
        sendRequest: async (request, next) => {
          const { streamResponseStatusCodes: opening } = request
          request.streamResponseStatusCodes = EVERY_STATUS
          // The SDK sends the same request again if this attempt fails, so it must be restored then, too.
          const response = await next(request).finally(() => {
            if (opening) request.streamResponseStatusCodes = opening
            else delete request.streamResponseStatusCodes
          })
          const { status, readableStreamBody } = response
          if (status >= 300 && status < 400) response.headers.delete('location')
          if (opening?.has(status) || !readableStreamBody) return response
          delete response.readableStreamBody
          response.bodyAsText = (await readErrorStream(readableStreamBody, status)).toString()
          return response
        },
      },
      { afterPhase: 'Sign' },
    )
  }
}

/** With this value the SDK gives every body as a stream. */
const EVERY_STATUS = new Set([Number.POSITIVE_INFINITY])
