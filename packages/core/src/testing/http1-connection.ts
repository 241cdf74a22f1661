import { equal, fail, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

import { soon } from './store-scene.ts'
import type { WireAnswer } from './wire.ts'

/** A connection of HTTP/1.1 with a strict parser: a malformed response fails. */
export interface Http1Connection {
  readonly socket: Socket
  readonly send: (bytes: string | Uint8Array) => void
  /** Reads the head of the next response. */
  readonly head: () => Promise<Pick<WireAnswer, 'status' | 'headers'>>
  /** Resolves when there are unread bytes. */
  readonly more: () => Promise<void>
  /** Reads the next response, to a request with this method. */
  readonly answer: (method: string) => Promise<WireAnswer>
  /** Resolves when the connection has ended. `left`: the unread bytes. `how`: `'end'`, or the code of its error. */
  readonly ended: () => Promise<{ readonly left: Uint8Array; readonly how: string }>
}

export async function openHttp1(url: URL): Promise<Http1Connection> {
  const socket = connect({ host: url.hostname, port: Number(url.port) })
  const { arrive, take, state } = createReader(socket)
  await soon(once(socket, 'connect'), 'a connection')
  const ended: Http1Connection['ended'] = async () => {
    await soon(
      arrive(() => socket.closed),
      'the end of the connection',
    )
    return { left: take(state.buffered.length), how: state.how ?? 'end' }
  }
  const bytes = async (count: number, what: string): Promise<Uint8Array> => {
    await soon(
      arrive(() => state.buffered.length >= count || socket.closed),
      what,
    )
    ok(state.buffered.length >= count, `the connection ended (${state.how}) before ${what}`)
    return take(count)
  }
  const head: Http1Connection['head'] = async () => {
    await soon(
      arrive(() => state.buffered.includes(END_OF_HEAD) || socket.closed),
      'the head of an answer',
    )
    const at = state.buffered.indexOf(END_OF_HEAD)
    ok(at > 0, `the connection ended (${state.how}) before the head of an answer`)
    return parseHead(take(at + END_OF_HEAD.length).toString('latin1'))
  }
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    head,
    ended,
    more: () =>
      soon(
        arrive(() => state.buffered.length > 0),
        'more bytes',
      ),
    answer: async (method) => {
      const { status, headers } = await head()
      const length = bodyLength(method, status, headers)
      const body =
        length === undefined ? (await ended()).left : await bytes(length, `${length} bytes of body`)
      return { status, headers, body }
    },
  }
}

const END_OF_HEAD = '\r\n\r\n'

interface Reader {
  readonly state: { buffered: Buffer; how: string | undefined }
  readonly arrive: (enough: () => boolean) => Promise<void>
  readonly take: (count: number) => Buffer
}

/** Buffers the received bytes until they are taken. */
function createReader(socket: Socket): Reader {
  const state: Reader['state'] = { buffered: Buffer.alloc(0), how: undefined }
  let moved = Promise.withResolvers<void>()
  const move = (): void => {
    moved.resolve()
    moved = Promise.withResolvers()
  }
  socket.on('data', (chunk) => {
    state.buffered = Buffer.concat([state.buffered, Buffer.from(chunk)])
    move()
  })
  socket.on('error', (error) => (state.how ??= 'code' in error ? String(error.code) : error.name))
  socket.on('close', move)
  return {
    state,
    arrive: async (enough) => {
      while (!enough()) await moved.promise
    },
    take: (count) => {
      const taken = state.buffered.subarray(0, count)
      state.buffered = state.buffered.subarray(count)
      return taken
    },
  }
}

/** Parses a response head by RFC 9112 §4 and §5, without the deviations that a recipient may tolerate. */
function parseHead(head: string): Pick<WireAnswer, 'status' | 'headers'> {
  const [start = '', ...lines] = head.slice(0, -END_OF_HEAD.length).split('\r\n')
  match(start, /^HTTP\/1\.1 [1-5]\d\d [\x20-\x7e]*$/)
  const headers = lines.map((line) => {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+): ([\x20-\x7e]*)$/.exec(line) ?? []
    return name === undefined ? fail(`not a header field: ${line}`) : ([name, value ?? ''] as const)
  })
  return { status: Number(start.slice(9, 12)), headers }
}

/** The length of a body by RFC 9112 §6.3. `undefined`: the body lasts until the connection ends. */
function bodyLength(method: string, status: number, headers: WireAnswer['headers']): number | undefined {
  const valuesOf = (wanted: string): readonly string[] =>
    headers.flatMap(([name, value]) => (name.toLowerCase() === wanted ? [value] : []))
  equal(valuesOf('transfer-encoding').length, 0, 'every length is known, so nothing is chunked')
  if (method === 'HEAD' || status === 204 || status === 304) return 0
  const [length, ...more] = valuesOf('content-length')
  equal(more.length, 0, 'one Content-Length')
  if (length === undefined) return undefined
  match(length, /^\d+$/)
  return Number(length)
}
