import { ok } from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'

import { soon } from './store-scene.ts'
import { valueOf, type WireAnswer, type WireClient, type WireRequest } from './wire.ts'

/** Opens an HTTP/2 session without TLS, with the connection preface (RFC 9113 §3.3). */
export async function openHttp2(url: URL): Promise<ClientHttp2Session> {
  const session = connect(`http://${url.host}`)
  session.on('error', ignore)
  await soon(once(session, 'connect'), 'a session')
  return session
}

export async function connectHttp2(url: URL): Promise<WireClient> {
  const session = await openHttp2(url)
  const ask = (request: WireRequest): ClientHttp2Stream => beginHttp2(session, request)
  return {
    ask: async (request) => {
      const stream = ask(request)
      const head = await headOf(stream)
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      await closed(stream)
      ok(stream.rstCode === constants.NGHTTP2_NO_ERROR, `the stream was reset: ${stream.rstCode}`)
      return { ...head, body: Buffer.concat(chunks) }
    },
    askCut: async (request) => {
      const stream = ask(request)
      const { status, headers } = await headOf(stream)
      let received = 0
      stream.on('data', (chunk: Buffer) => (received += chunk.length))
      await closed(stream)
      return {
        status,
        promised: Number(valueOf({ headers }, 'content-length')),
        received,
        how: resetName(stream),
      }
    },
    begin: (request) => {
      const stream = ask(request).resume()
      return () => stream.close(constants.NGHTTP2_CANCEL)
    },
    beginBody: async (request) => {
      const stream = ask(request)
      await headOf(stream)
      await soon(once(stream, 'readable'), 'the first bytes')
      return () => stream.close(constants.NGHTTP2_CANCEL)
    },
    close: () => session.destroy(),
  }
}

/** Sends a request without a body. */
export function beginHttp2(
  session: ClientHttp2Session,
  { method, path, headers }: WireRequest,
): ClientHttp2Stream {
  const fields: Record<string, string | string[]> = { ':method': method, ':path': path }
  for (const [name, value] of headers) {
    const before = fields[name.toLowerCase()]
    fields[name.toLowerCase()] = before === undefined ? value : [before, value].flat()
  }
  const stream = session.request(fields, { endStream: true })
  stream.on('error', ignore)
  return stream
}

async function headOf(stream: ClientHttp2Stream): Promise<Pick<WireAnswer, 'status' | 'headers'>> {
  const head = Promise.withResolvers<Awaited<ReturnType<typeof headOf>>>()
  stream.once('response', ({ ':status': status, ...fields }) => {
    const headers = Object.entries(fields).flatMap(([name, value = '']) =>
      [value].flat().map((one) => [name, one] as const),
    )
    head.resolve({ status: status ?? 0, headers })
  })
  stream.once('close', () =>
    head.reject(new Error(`the stream ended (${resetName(stream)}) before its head`)),
  )
  return soon(head.promise, 'the head of an answer')
}

/** Resolves when a stream has ended in any way. */
export const closed = (stream: ClientHttp2Stream): Promise<void> =>
  soon(
    new Promise((resolve) => {
      if (stream.destroyed) resolve()
      else stream.once('close', resolve)
    }),
    'the end of a stream',
  )

const resetName = ({ rstCode }: ClientHttp2Stream): string =>
  rstCode === constants.NGHTTP2_NO_ERROR
    ? 'end'
    : rstCode === constants.NGHTTP2_INTERNAL_ERROR
      ? 'INTERNAL_ERROR'
      : `reset ${rstCode}`

const ignore = (): void => undefined
