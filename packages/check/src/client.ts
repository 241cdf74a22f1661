import { createHash } from 'node:crypto'

import { Agent, buildConnector, type Dispatcher } from 'undici'

import type { Answer, Fields, ProbeName, Protocol } from './exchange.ts'
import type { Outgoing } from './outgoing.ts'
import type { Settings } from './settings.ts'

/** How much of a body to read and to keep. */
export interface Reading {
  readonly maxBytes: number
  readonly keepBytes: number
  /** Whether to stop reading after `timeoutMs`. Without it, only each part of the body has that long. */
  readonly hasDeadline: boolean
  readonly onBytes?: (bytes: number) => void
}

/** Sends requests one at a time. It follows no redirects and decodes nothing. */
export interface Client {
  /** @throws the network's error if no response came */
  send(probe: ProbeName, request: Outgoing, reading: Reading): Promise<Answer>
  close(): Promise<void>
}

/** Opens a client for one protocol. `HTTP/2` is negotiated by TLS; if the server declines it, requests use HTTP/1.1. */
export function openClient(protocol: Protocol, { ca, timeoutMs, signal }: Settings): Client {
  const allowH2 = protocol === 'HTTP/2'
  const connect = buildConnector({ allowH2, timeout: timeoutMs, ...(ca !== undefined && { ca }) })
  let negotiated: Protocol = 'HTTP/1.1'
  const agent = new Agent({
    allowH2,
    connections: 1,
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: 65_536,
    connect: (options, callback) =>
      connect(options, (...[error, socket]) => {
        if (error) return callback(error, null)
        negotiated = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1'
        callback(null, socket)
      }),
  })
  return {
    async send(probe, { url, method, headers }, reading) {
      const started = performance.now()
      const deadline = reading.hasDeadline ? [AbortSignal.timeout(timeoutMs)] : []
      const response = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers,
        signal: AbortSignal.any([...deadline, ...(signal ? [signal] : [])]),
      })
      const head = performance.now()
      const read = await readBody(response.body, reading, deadline[0])
      return {
        probe,
        protocol: negotiated,
        status: response.statusCode,
        fields: fieldsOf(response.headers),
        firstByteMs: (read.firstByteAt ?? head) - started,
        body: read.body,
        tail: read.tail,
        bytes: read.bytes,
        end: read.end,
        ...(read.sha256 !== undefined && { sha256: read.sha256 }),
      }
    },
    close: () => agent.destroy(),
  }
}

/** As many as the suffix range asks for. */
const tailBytes = 100

interface Read extends Pick<Answer, 'body' | 'tail' | 'bytes' | 'end' | 'sha256'> {
  readonly firstByteAt?: number
}

async function readBody(
  body: Dispatcher.ResponseData['body'],
  { maxBytes, keepBytes, onBytes }: Reading,
  deadline: AbortSignal | undefined,
): Promise<Read> {
  const hash = createHash('sha256')
  const kept: Uint8Array[] = []
  let tail: Uint8Array = new Uint8Array()
  let bytes = 0
  let room = keepBytes
  let firstByteAt: number | undefined
  let end: Answer['end'] = 'complete'
  body.on('error', () => undefined) // destroying a body that is not at its end is an error of the body, too
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      firstByteAt ??= performance.now()
      bytes += chunk.length
      tail =
        chunk.length < tailBytes
          ? Buffer.concat([tail, chunk]).subarray(-tailBytes)
          : chunk.subarray(-tailBytes)
      hash.update(chunk)
      if (room > 0) kept.push(chunk.subarray(0, room))
      room -= chunk.length
      onBytes?.(bytes)
      if (bytes >= maxBytes) {
        end = 'stopped'
        break
      }
    }
  } catch {
    end = deadline?.aborted ? 'stopped' : 'broken'
  }
  body.destroy()
  return {
    body: Buffer.concat(kept),
    tail: Uint8Array.from(tail),
    bytes,
    end,
    ...(firstByteAt !== undefined && { firstByteAt }),
    ...(end === 'complete' && { sha256: hash.digest('hex') }),
  }
}

const fieldsOf = (headers: Readonly<Record<string, string | string[] | undefined>>): Fields =>
  new Map(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), typeof value === 'string' ? [value] : value]],
    ),
  )
