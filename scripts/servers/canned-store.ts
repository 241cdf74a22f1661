import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'

/** One response of a store. */
export interface CannedAnswer {
  readonly status: number
  /** A field with the value `undefined` is not sent. */
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
  /** Writes the response, if status, headers and body cannot describe it. */
  readonly write?: (response: ServerResponse) => void
}

/** A received request. */
interface CannedRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: NodeJS.Dict<string | string[]>
}

/** A server with prepared responses, which the real servers here cannot be made to send. The last segment of the path chooses one. */
export interface CannedStore {
  readonly port: number
  /** The requests received so far. */
  readonly requests: readonly CannedRequest[]
  /** The target of each, as it was sent. */
  readonly targets: readonly string[]
  /** The client's port of each: equal for requests over one connection. */
  readonly ports: readonly (number | undefined)[]
  close(): Promise<void>
}

/** All text of the server contains this mark, so that a test can search for it. */
export const CANARY = 'canary'

/** Starts the server on a free port of 127.0.0.1. A name without a response gives 404. */
export async function startCannedStore(
  answers: Readonly<Record<string, CannedAnswer>>,
): Promise<CannedStore> {
  const requests: CannedRequest[] = []
  const targets: string[] = []
  const ports: (number | undefined)[] = []
  const server = createServer((request, response) => {
    targets.push(request.url ?? '')
    ports.push(request.socket.remotePort)
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://store')
    requests.push({ method: request.method ?? '', path: pathname, query, headers: request.headers })
    const answer = answers[pathname.split('/').pop() ?? ''] ?? s3Error(404, 'NoSuchKey')
    if (answer.write) return answer.write(response)
    const marked = { 'x-amz-request-id': `REQUEST${CANARY}`, 'x-ms-request-id': `REQUEST${CANARY}` }
    for (const [name, value] of Object.entries({ ...marked, ...answer.headers })) {
      if (value !== undefined) response.setHeader(name, value)
    }
    response.writeHead(answer.status)
    response.end(request.method === 'HEAD' ? undefined : answer.body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    requests,
    targets,
    ports,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An error of S3 as XML, with the details that real ones reveal. */
export const s3Error = (status: number, code: string): CannedAnswer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${CANARY} arn:aws:s3:::bucket</Message><Key>${CANARY}</Key><BucketName>${CANARY}</BucketName><Endpoint>${CANARY}.s3.eu-north-7.amazonaws.com</Endpoint><AWSAccessKeyId>AK${CANARY}</AWSAccessKeyId><StringToSign>${CANARY}</StringToSign><SignatureProvided>${CANARY}</SignatureProvided><Token-0>${CANARY}</Token-0><StorageClass>GLACIER</StorageClass><RequestId>${CANARY}</RequestId><HostId>${CANARY}</HostId></Error>`,
})

/** An error of Azure as XML, with the same details. */
export const azureError = (status: number, code: string): CannedAnswer => ({
  status,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': code },
  body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${CANARY}\nRequestId:${CANARY}\nTime:2026-01-01T00:00:00Z</Message><AuthenticationErrorDetail>The MAC signature found in the HTTP request '${CANARY}' is not the same as any computed signature. Server used following string to sign: '${CANARY}'.</AuthenticationErrorDetail></Error>`,
})

/** A response whose body ends when its reader leaves, or after 1 GiB. */
export interface EndlessAnswer extends CannedAnswer {
  /** Bytes written to the socket so far, over all requests. */
  readonly written: () => number
  /** How many bodies are being sent. */
  readonly running: () => number
}

const ENDLESS_BYTES = 1_073_741_824

/**
 * @param piece - sent repeatedly
 * @param everyMs - milliseconds between two pieces. Absent: as fast as the reader takes them
 */
export function endless(
  status: number,
  headers: OutgoingHttpHeaders = {},
  piece: Uint8Array = Buffer.alloc(65_536, 'x'),
  everyMs?: number,
): EndlessAnswer {
  let written = 0
  let running = 0
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < ENDLESS_BYTES; sent += piece.length) {
      written += piece.length
      yield piece
      if (everyMs !== undefined) await sleep(everyMs)
    }
  }
  const send = async (response: ServerResponse): Promise<void> => {
    running += 1
    await pipeline(pieces(), response).catch(() => response.destroy())
    running -= 1
  }
  return {
    status,
    written: () => written,
    running: () => running,
    write: (response) => {
      response.writeHead(status, headers)
      if (response.req.method === 'HEAD') response.end()
      else void send(response)
    },
  }
}

/** A correct response for an object, which the test then changes. */
export const object = (bytes: Uint8Array, headers: OutgoingHttpHeaders = {}): CannedAnswer => ({
  status: 200,
  headers: {
    'content-length': bytes.length,
    etag: '"canned"',
    'last-modified': 'Sun, 01 Feb 2026 10:00:00 GMT',
    ...headers,
  },
  body: bytes,
})

/** A large object that is sent byte by byte. */
interface DrippingObject {
  /** Milliseconds between two bytes. */
  readonly everyMs: number
  /** The number of bytes after which the connection is reset. Absent: it is not. */
  readonly cutAfter?: number
  /** How many responses are slow; later ones are not. Absent: all are. */
  readonly times?: number
}

/** Answers whole reads and single ranges, as S3 and Azure do. */
export function drippingObject(
  size: number,
  { everyMs, cutAfter = size, times = Infinity }: DrippingObject,
): CannedAnswer {
  let answers = 0
  const drip = async (response: ServerResponse): Promise<void> => {
    for (let sent = 0; sent < cutAfter && !response.destroyed; sent += 1) {
      response.write('x')
      await sleep(everyMs)
    }
    response.destroy()
  }
  return {
    status: 200,
    write: (response) => {
      const { headers, method } = response.req
      const asked = headers['x-ms-range'] ?? headers.range
      const [, first = 0, last = size - 1] = (/^bytes=(\d+)-(\d+)$/.exec(String(asked)) ?? []).map(Number)
      response.writeHead(asked === undefined ? 200 : 206, {
        'content-length': last - first + 1,
        etag: '"canned"',
        ...(asked !== undefined && { 'content-range': `bytes ${first}-${last}/${size}` }),
      })
      answers += 1
      if (method === 'HEAD') response.end()
      else if (answers > times) response.end(Buffer.alloc(last - first + 1, 'x'))
      else void drip(response)
    },
  }
}

/** Checksums of bytes, as S3 formats them. */
export const sums = (bytes: Uint8Array): { readonly crc32: string; readonly sha256: string } => {
  const four = Buffer.alloc(4)
  four.writeUInt32BE(crc32(bytes))
  return { crc32: four.toString('base64'), sha256: createHash('sha256').update(bytes).digest('base64') }
}
