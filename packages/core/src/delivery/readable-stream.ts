import type { ExportBody } from '../request-response.ts'

/**
 * Turns a body into a stream for `new Response(stream)`, for servers with the Fetch API.
 *
 * The stream requests a chunk only when its reader does, so `delivery.slowestClient` works as with `serveNode`. The stream errors
 * when the body fails, and when the handler ends the download (`body.signal`). The server must then cut the connection. Cancelling
 * the stream releases the body.
 *
 * @param body - the body of a response to a request without `borrow`. Nothing else may read it
 */
export function toReadableStream(body: ExportBody): ReadableStream<Uint8Array> {
  const { signal } = body
  const chunks = body[Symbol.asyncIterator]()
  const release = (): void => void chunks.return?.().catch(() => undefined)
  return new ReadableStream(
    {
      start: (controller) => {
        const fail = (): void => {
          controller.error(signal?.reason)
          release()
        }
        if (signal?.aborted) fail()
        else signal?.addEventListener('abort', fail, { once: true })
      },
      // If this rejects, the stream errors.
      pull: async (controller) => {
        const step = await chunks.next()
        if (step.done === true) controller.close()
        else controller.enqueue(step.value)
      },
      cancel: release,
    },
    { highWaterMark: 0 },
  )
}
