import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import {
  type Act,
  anyExport,
  anyOf,
  below,
  createBodyCheck,
  largestExport,
  madeUpToken,
  type Target,
} from './act.ts'
import { organization, pathOf, type SoakExport } from './exports.ts'

const gaveUpMs = 20_000

/** The actions of the HTTP/2 clients, with their weights. */
export const http2Acts: readonly (readonly [name: string, weight: number, act: Act])[] = [
  ['streams', 40, streams],
  ['leave', 20, leave],
  ['end the session', 10, endSession],
  ['open and cancel', 5, openAndCancel],
  ['stall', 5, stall],
  ['window 0', 5, windowOfZero],
  ['strangers', 10, strangers],
  ['rubbish', 5, rubbish],
]

async function open({ port }: Target, initialWindowSize?: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`, {
    ...(initialWindowSize !== undefined && { settings: { initialWindowSize } }),
  })
  session.on('error', ignore)
  await once(session, 'connect')
  return session
}

function begin(
  session: ClientHttp2Session,
  target: Target,
  entry: SoakExport,
  headers: OutgoingHttpHeaders = {},
): ClientHttp2Stream {
  const stream = session.request(
    {
      ':path': pathOf(entry),
      authorization: `Bearer ${target.token}`,
      'x-org-name': organization,
      ...headers,
    },
    { endStream: true },
  )
  stream.on('error', ignore)
  return stream
}

/** Reads a stream to its end and compares each byte. */
async function read(stream: ClientHttp2Stream, entry: SoakExport): Promise<string> {
  const check = createBodyCheck(entry, 0, entry.size)
  let status = 0
  stream.on('response', (headers) => {
    status = headers[':status'] ?? 0
  })
  stream.on('data', (bytes: Buffer) => {
    if (status === 200) check.take(bytes)
  })
  await closed(stream)
  if (status === 0) return 'cut before the head'
  return status === 200 ? check.result(stream.rstCode === constants.NGHTTP2_NO_ERROR) : `status ${status}`
}

async function streams(target: Target): Promise<string> {
  const session = await open(target)
  try {
    const results = await Promise.all(
      Array.from({ length: 1 + below(4) }, async () => {
        const entry = anyExport()
        return read(begin(session, target, entry), entry)
      }),
    )
    return results.find((result) => result.startsWith('wrong')) ?? anyOf(results)
  } finally {
    session.destroy()
  }
}

/** Closes streams at a random moment, with and without an error code. */
async function leave(target: Target): Promise<string> {
  const session = await open(target)
  const begun = Array.from({ length: 1 + below(6) }, () => begin(session, target, largestExport).resume())
  for (const stream of begun) {
    await delay(below(200))
    stream.close(
      anyOf([constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR]),
    )
  }
  await delay(below(1_000))
  session.destroy()
  return 'left'
}

/** Ends the whole session in mid-body. */
async function endSession(target: Target): Promise<string> {
  const session = await open(target)
  for (let nth = 0; nth < 4; nth += 1) begin(session, target, largestExport).resume()
  await delay(below(500))
  anyOf([
    () => session.destroy(),
    () => session.destroy(undefined, constants.NGHTTP2_CANCEL),
    () => session.close(),
  ])()
  await delay(below(500))
  session.destroy()
  return 'left'
}

/** The rapid reset (CVE-2023-44487), bounded. */
async function openAndCancel(target: Target): Promise<string> {
  const session = await open(target)
  for (let nth = 0; nth < 50 && !session.destroyed; nth += 1) {
    begin(session, target, largestExport).close(constants.NGHTTP2_CANCEL)
    if (nth % 10 === 9) await delay(10)
  }
  await delay(below(500))
  session.destroy()
  return 'left'
}

/** Reads the head and no byte of the body. The server must cut the stream. */
async function stall(target: Target): Promise<string> {
  const session = await open(target)
  const stream = begin(session, target, largestExport)
  return untilGivenUp(session, [stream])
}

/** Opens streams with a flow-control window of 0. */
async function windowOfZero(target: Target): Promise<string> {
  const session = await open(target, 0)
  const begun = Array.from({ length: 20 }, (_, nth) =>
    begin(session, nth < 4 ? target : { ...target, token: madeUpToken() }, anyExport()),
  )
  for (const stream of begun) stream.resume()
  return untilGivenUp(session, begun)
}

async function untilGivenUp(
  session: ClientHttp2Session,
  begun: readonly ClientHttp2Stream[],
): Promise<string> {
  const allClosed = Promise.all(begun.map(closed)).then(() => 'given up by the server')
  const result = await Promise.race([allClosed, delay(gaveUpMs).then(() => 'held')])
  session.destroy()
  return result
}

async function strangers(target: Target): Promise<string> {
  const session = await open(target)
  try {
    const entry = anyExport()
    const results = await Promise.all(
      Array.from({ length: 5 }, () =>
        read(begin(session, { ...target, token: madeUpToken() }, entry), entry),
      ),
    )
    return anyOf(results)
  } finally {
    session.destroy()
  }
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
const settings = frame(4, 0, 0, Buffer.alloc(0))
const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)))

const rubbishBytes: readonly (() => Buffer)[] = [
  () => noise(2_000),
  () => Buffer.concat([preface, noise(2_000)]),
  () => Buffer.concat([preface, settings, frame(1, 4, 1, noise(200))]),
  () => Buffer.concat([preface, settings, frame(0, 0, 1, noise(2_000))]),
  () => Buffer.concat([preface, settings, ...Array.from({ length: 200 }, () => frame(6, 0, 0, noise(8)))]),
  () => Buffer.concat([preface, ...Array.from({ length: 100 }, () => settings)]),
  () => Buffer.concat([preface, settings, frame(1, 0, 1, noise(100)), frame(9, 0, 1, noise(100))]),
  () => Buffer.concat([preface, settings, frame(8, 0, 0, Buffer.alloc(4))]),
  () => Buffer.from('GET /exports/1/download HTTP/1.1\r\nHost: soak\r\n\r\n'),
]

async function rubbish({ port }: Target): Promise<string> {
  const socket = connectSocket(port, '127.0.0.1')
  socket.on('error', ignore)
  await once(socket, 'connect')
  socket.resume()
  socket.write(anyOf(rubbishBytes)())
  const ended = new Promise((resolve) => socket.once('close', resolve))
  await Promise.race([ended, delay(below(3_000))])
  socket.destroy()
  return 'done'
}

const closed = async (stream: ClientHttp2Stream): Promise<void> => {
  if (!stream.closed || !stream.destroyed)
    await new Promise<void>((resolve) => stream.once('close', () => resolve()))
}

const ignore = (): void => undefined
