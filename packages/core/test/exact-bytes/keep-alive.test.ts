import { connect } from 'node:net'

import { expect, test } from 'vitest'

import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { key, openGuard, path } from './guard.ts'
import { serve } from './server.ts'

const size = 3_000
const whole = Buffer.from(positionCoded(size))
const missing = path.replace(/0f0e/, '1f0e')

interface Exchange {
  readonly head: string
  readonly method: string
  /** What the answer must be: its status, and its body where the test knows it. */
  readonly status: number
  readonly body?: Buffer
}

/** A pure function of the number: the run is the same every time. */
function exchange(n: number): Exchange {
  const draw = (limit: number, salt: number): number => Math.floor(fraction(n * 7.13 + salt * 3.7) * limit)
  const first = draw(size, 1)
  const last = first + draw(size - first, 2)
  const request = (method: string, target: string, fields = ''): string =>
    `${method} ${target} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer token\r\n${fields}\r\n`
  const part = whole.subarray(first, last + 1)
  const kinds: (() => Exchange)[] = [
    () => ({ method: 'GET', head: request('GET', path), status: 200, body: whole }),
    () => ({ method: 'HEAD', head: request('HEAD', path), status: 200, body: Buffer.alloc(0) }),
    () => ({
      method: 'GET',
      head: request('GET', path, `Range: bytes=${first}-${last}\r\n`),
      status: 206,
      body: part,
    }),
    () => ({
      method: 'GET',
      head: request('GET', path, `Range: bytes=-${last - first + 1}\r\n`),
      status: 206,
      body: whole.subarray(size - part.length),
    }),
    () => ({ method: 'GET', head: request('GET', path, `Range: bytes=${size}-\r\n`), status: 416 }),
    () => ({
      method: 'GET',
      head: request('GET', path, 'If-None-Match: *\r\n'),
      status: 304,
      body: Buffer.alloc(0),
    }),
    () => ({ method: 'GET', head: request('GET', path, 'If-Match: "other"\r\n'), status: 412 }),
    () => ({ method: 'GET', head: request('GET', missing), status: 404 }),
    () => ({ method: 'HEAD', head: request('HEAD', missing), status: 404, body: Buffer.alloc(0) }),
    () => ({ method: 'GET', head: `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`, status: 401 }),
    () => ({ method: 'OPTIONS', head: request('OPTIONS', path), status: 204, body: Buffer.alloc(0) }),
    () => ({ method: 'DELETE', head: request('DELETE', path), status: 405 }),
  ]
  return (
    kinds[draw(kinds.length, 3)]?.() ?? {
      method: 'GET',
      head: request('GET', path),
      status: 200,
      body: whole,
    }
  )
}

const fraction = (x: number): number => {
  const y = Math.sin(x) * 43_758.5453
  return y - Math.floor(y)
}

test('10,000 random requests over one connection get their own responses', { timeout: 120_000 }, async () => {
  const { handler } = openGuard(createMemoryStore({ [key]: whole }), {
    findExport: async ({ exportId }) =>
      exportId.startsWith('0f0e')
        ? { id: String(exportId), tenantId: 't-1', key, format: 'jsonl', state: 'ready' }
        : undefined,
  })
  const server = await serve(handler)
  const socket = connect(server.port, '127.0.0.1')
  const read = reader(socket)
  const total = 10_000
  const ahead = 4
  let asked = 0
  const askNext = (): void => void (asked < total && socket.write(exchange(asked++).head, 'latin1'))
  for (let n = 0; n < ahead; n++) askNext()
  const statuses = new Map<number, number>()
  for (let n = 0; n < total; n++) {
    const { method, status, body } = exchange(n)
    const answer = await read(method)
    const right = answer.status === status && (body === undefined || answer.body.equals(body))
    // One line a request, so that a failure shows what came.
    expect(right ? 'right' : { n, status: answer.status, body: answer.body.toString('latin1') }).toBe('right')
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    askNext()
  }
  expect([...statuses.keys()].toSorted((one, other) => one - other)).toEqual([
    200, 204, 206, 304, 401, 404, 405, 412, 416,
  ])
  expect(server.made()).toBe(1)
  socket.destroy()
  await server.close()
})

/** A strict reader of HTTP/1.1 answers: status line, fields, and as many bytes as Content-Length says. Nothing else. */
function reader(
  socket: NodeJS.ReadableStream,
): (method: string) => Promise<{ status: number; body: Buffer }> {
  let buffer = Buffer.alloc(0)
  const chunks = socket[Symbol.asyncIterator]()
  const need = async (enough: () => boolean): Promise<void> => {
    while (!enough()) {
      const step = await chunks.next()
      if (step.done === true) throw new Error('the connection ended')
      buffer = Buffer.concat([buffer, step.value as Buffer])
    }
  }
  return async (method) => {
    await need(() => buffer.includes('\r\n\r\n'))
    const end = buffer.indexOf('\r\n\r\n')
    const [line = '', ...fields] = buffer.subarray(0, end).toString('latin1').split('\r\n')
    buffer = buffer.subarray(end + 4)
    const status = Number(/^HTTP\/1\.1 (\d{3}) [A-Za-z -]+$/.exec(line)?.[1])
    const lengths = fields.flatMap((field) => /^Content-Length: (\d+)$/.exec(field)?.[1] ?? [])
    const bodiless = method === 'HEAD' || status === 304 || status === 204
    if (lengths.length > 1 || (!bodiless && lengths.length === 0)) throw new Error(`not one length: ${line}`)
    if (fields.some((field) => /^transfer-encoding/i.test(field))) throw new Error('chunked')
    const length = bodiless ? 0 : Number(lengths[0])
    await need(() => buffer.length >= length)
    const body = buffer.subarray(0, length)
    buffer = buffer.subarray(length)
    return { status, body }
  }
}
