import type { ExportBody } from '../request-response.ts'

/**
 * Turns a body into a stream for `new Response(stream)`, for servers with the Fetch API.
 *
 * The stream requests a chunk only when its reader does, so `delivery.slowestClient` works as with `serveNode`. The stream errors
 * with `new Error('cut')` when the body fails, and when the handler ends the download (`body.signal`). The server must then cut the
 * connection. The error has no cause, because some servers print it or send it; the event has the cause. Cancelling the stream
 * releases the body.
 *
 * @param body - the body of a response to a request without `borrow`. Nothing else may read it
 * @param client - is aborted when the stream is cancelled. Pass its signal to the handler in the request: then a store that hangs is
 *   released too. Absent: a cancelled stream releases the body only after its pending read
 */
export function toReadableStream(body: ExportBody, client?: AbortController): ReadableStream<Uint8Array> {
  const { signal } = body
  const chunks = body[Symbol.asyncIterator]()
  const release = (): void => void chunks.return?.().catch(() => undefined)
  return new ReadableStream(
    {
      start: (controller) => {
        const fail = (): void => {
          controller.error(new Error('cut'))
          release()
        }
        if (signal?.aborted) fail()
        else signal?.addEventListener('abort', fail, { once: true })
      },
      pull: async (controller) => {
        const step = await chunks.next().catch(() => undefined)
        if (!step) controller.error(new Error('cut'))
        else if (step.done === true) controller.close()
        else controller.enqueue(step.value)
      },
      cancel: () => {
        client?.abort()
        release()
      },
    },
    { highWaterMark: 0 },
  )
}
