import type { ExportBody } from '../request-response.ts'

/**
 * Turns a body into a stream for `new Response(stream)`, for servers that speak the Fetch API.
 *
 * It asks for the next chunk only when its reader does, so the slowest client that is served is measured as with
 * `serveNode`. When the body fails, and when the guard gives up on it (`body.signal`), the stream errors: the server must
 * then break the connection off. When the stream is cancelled, the body is let go.
 *
 * @param body - the body of an answer to a request without `borrow`, which is not read otherwise
 */
export function toReadableStream(body: ExportBody): ReadableStream<Uint8Array> {
  const { signal } = body
  const chunks = body[Symbol.asyncIterator]()
  const letGo = (): void => void chunks.return?.().catch(() => undefined)
  return new ReadableStream(
    {
      start: (controller) => {
        const giveUp = (): void => {
          controller.error(signal?.reason)
          letGo()
        }
        if (signal?.aborted) giveUp()
        else signal?.addEventListener('abort', giveUp, { once: true })
      },
      // A rejection errors the stream.
      pull: async (controller) => {
        const step = await chunks.next()
        if (step.done === true) controller.close()
        else controller.enqueue(step.value)
      },
      cancel: letGo,
    },
    { highWaterMark: 0 },
  )
}
