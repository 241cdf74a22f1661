import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
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

const answerMs = 25_000
const gaveUpMs = 20_000

/** The actions of the HTTP/1.1 clients, with their weights. */
export const http1Acts: readonly (readonly [name: string, weight: number, act: Act])[] = [
  ['download', 30, (target) => download(target, {})],
  ['range', 15, range],
  ['kept connection', 10, keptConnection],
  ['leave', 15, leave],
  ['stall', 5, stall],
  ['stranger', 10, stranger],
  ['rubbish', 8, rubbish],
  ['half-closed', 4, halfClosed],
  ['unfinished head', 3, unfinishedHead],
  ['pipeline without reading', 1, pipelineWithoutReading],
]

interface Ask {
  readonly entry?: SoakExport
  readonly method?: string
  readonly token?: string
  readonly headers?: readonly string[]
}

const requestText = (
  { token: own }: Target,
  { entry = largestExport, method = 'GET', token = own, headers = [] }: Ask,
): string =>
  [
    `${method} ${pathOf(entry)} HTTP/1.1`,
    'Host: soak',
    `X-Org-Name: ${organization}`,
    `Authorization: Bearer ${token}`,
    ...headers,
    '',
    '',
  ].join('\r\n')

async function open({ port }: Target): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', ignore)
  await once(socket, 'connect')
  return socket
}

/** Reads one response: its head, and the bytes of its body until the response or the connection ends. */
async function readAnswer(
  socket: Socket,
  hasBody: boolean,
  onHead: (head: string, status: number) => (bytes: Buffer) => void,
): Promise<{ readonly status: number; readonly whole: boolean }> {
  let head = ''
  let buffered = Buffer.alloc(0)
  let status = 0
  let left = -1
  let take: (bytes: Buffer) => void = ignore
  const done = Promise.withResolvers<boolean>()
  const onData = (bytes: Buffer): void => {
    let body = bytes
    if (left < 0) {
      buffered = Buffer.concat([buffered, bytes])
      const at = buffered.indexOf('\r\n\r\n')
      if (at < 0) return
      head = buffered.toString('latin1', 0, at)
      status = Number(head.slice(9, 12))
      left = hasBody && status !== 304 ? Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0) : 0
      take = onHead(head, status)
      body = buffered.subarray(at + 4)
    }
    take(body)
    left -= body.length
    if (left <= 0) done.resolve(left === 0)
  }
  const onClose = (): void => done.resolve(false)
  socket.on('data', onData)
  socket.once('close', onClose)
  if (socket.destroyed) onClose()
  const timer = setTimeout(() => done.reject(new Error('silent')), answerMs)
  try {
    return { whole: await done.promise, status }
  } finally {
    clearTimeout(timer)
    socket.off('data', onData)
    socket.off('close', onClose)
  }
}

/** Requests an export or a range of it, and compares each byte. */
async function ask(
  socket: Socket,
  target: Target,
  entry: SoakExport,
  [first, last]: readonly [number, number],
  question: Ask,
): Promise<string> {
  let check = createBodyCheck(entry, 0, entry.size)
  let checked = false
  socket.write(requestText(target, { ...question, entry }))
  const { status, whole } = await readAnswer(socket, question.method !== 'HEAD', (_, status) => {
    checked = (status === 200 || status === 206) && question.method !== 'HEAD'
    if (status === 206) check = createBodyCheck(entry, first, last - first + 1)
    return (bytes) => {
      if (checked) check.take(bytes)
    }
  })
  if (status === 0) return 'cut before the head'
  return checked ? check.result(whole) : `status ${status}`
}

async function download(target: Target, question: Ask): Promise<string> {
  const socket = await open(target)
  try {
    return await ask(socket, target, anyExport(), [0, 0], question)
  } finally {
    socket.destroy()
  }
}

async function range(target: Target): Promise<string> {
  const entry = anyExport()
  const first = below(Math.max(1, entry.size))
  const last = first + below(Math.max(1, entry.size - first))
  const socket = await open(target)
  try {
    return await ask(socket, target, entry, [first, last], { headers: [`Range: bytes=${first}-${last}`] })
  } finally {
    socket.destroy()
  }
}

async function keptConnection(target: Target): Promise<string> {
  const socket = await open(target)
  try {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'GET']) {
      const result = await ask(socket, target, anyExport(), [0, 0], { method })
      if (result.startsWith('wrong') || result.startsWith('cut')) return result
      await delay(below(200))
    }
    return 'done'
  } finally {
    socket.destroy()
  }
}

/** Leaves at a random moment: before the head or during the body, with a reset or a normal end. */
async function leave(target: Target): Promise<string> {
  const socket = await open(target)
  let left = below(1_000_000)
  socket.on('data', (bytes: Buffer) => {
    left -= bytes.length
    if (left <= 0) go()
  })
  const go = anyOf([(): unknown => socket.resetAndDestroy(), () => socket.destroy()])
  socket.write(requestText(target, { entry: anyOf([largestExport, anyExport()]) }))
  if (Math.random() < 0.3) left = Infinity
  await Promise.race([delay(below(1_500)), closed(socket)])
  go()
  return 'left'
}

/** Reads only the first bytes. The server must cut the connection. */
async function stall(target: Target): Promise<string> {
  const socket = await open(target)
  socket.write(requestText(target, {}))
  const status = await new Promise<string>((resolve) => {
    socket.once('data', (bytes: Buffer) => {
      socket.pause()
      resolve(bytes.toString('latin1', 9, 12))
    })
    socket.once('close', () => resolve('none'))
    socket.setTimeout(answerMs, () => resolve('none'))
  })
  if (status !== '200') {
    socket.destroy()
    return `status ${status}`
  }
  // A paused socket does not see its end, so write to find out whether the server has closed it.
  await delay(gaveUpMs)
  socket.resume()
  const wasCut = await Promise.race([closed(socket).then(() => true), delay(2_000).then(() => false)])
  socket.resetAndDestroy()
  return wasCut ? 'cut by the server' : 'held'
}

async function stranger(target: Target): Promise<string> {
  const token = anyOf([madeUpToken, () => '', () => 'x'.repeat(below(9_000)), () => 'opaque'])()
  return download(target, { token })
}

const rubbishLines: readonly (() => string | Buffer)[] = [
  () => Buffer.from(Array.from({ length: 2_000 }, () => below(256))),
  () => 'GET / HTTP/9.9\r\n\r\n',
  () => `GET ${'/x'.repeat(20_000)} HTTP/1.1\r\nHost: soak\r\n\r\n`,
  () => `GET /exports/%zz/download HTTP/1.1\r\nHost: soak\r\n\r\n`,
  () => `GET /exports/1/download HTTP/1.1\r\nHost: soak\r\nRange: bytes=${'0-0,'.repeat(3_000)}\r\n\r\n`,
  () => 'POST /exports/1/download HTTP/1.1\r\nHost: soak\r\nContent-Length: 9999999\r\n\r\nbegun',
  () => 'POST /exports/1/download HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  () =>
    'GET /exports/1/download HTTP/1.1\r\nHost: soak\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  () =>
    'GET /exports/1/download HTTP/1.1\r\nHost: soak\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n',
  () => 'GET /exports/1/download HTTP/1.1\r\nHost: soak\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n',
  () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  () => 'CONNECT soak:80 HTTP/1.1\r\nHost: soak\r\n\r\n',
]

async function rubbish(target: Target): Promise<string> {
  const socket = await open(target)
  socket.resume()
  socket.write(anyOf(rubbishLines)())
  await Promise.race([closed(socket), delay(below(3_000))])
  socket.destroy()
  return 'done'
}

/** Half-closes the connection after the request, as `nc -N` does, and reads. */
async function halfClosed(target: Target): Promise<string> {
  const socket = connect({ port: target.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', ignore)
  await once(socket, 'connect')
  try {
    const answer = ask(socket, target, anyExport(), [0, 0], {})
    socket.end()
    return await answer
  } finally {
    socket.destroy()
  }
}

async function unfinishedHead(target: Target): Promise<string> {
  const socket = await open(target)
  socket.resume()
  for (const line of requestText(target, {}).split('\r\n').slice(0, 3)) {
    if (!socket.destroyed) socket.write(`${line}\r\n`)
    await delay(below(2_000))
  }
  socket.destroy()
  return 'done'
}

const pipelineBytes = 4_000_000
const pipelineMs = 4_000

/** Sends requests while the server accepts them, and reads nothing. */
async function pipelineWithoutReading(target: Target): Promise<string> {
  const socket = await open(target)
  socket.pause()
  const until = performance.now() + pipelineMs
  const made = anyOf([() => madeUpToken(), () => target.token])
  let written = 0
  while (performance.now() < until && written < pipelineBytes && !socket.destroyed) {
    const batch = Array.from({ length: 50 }, () => requestText(target, { token: made() })).join('')
    written += batch.length
    if (!socket.write(batch)) await Promise.race([once(socket, 'drain'), closed(socket), delay(500)])
  }
  await delay(below(2_000))
  socket.resetAndDestroy()
  return 'done'
}

const closed = async (socket: Socket): Promise<undefined> => {
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve))
  return undefined
}

const ignore = (): void => undefined
