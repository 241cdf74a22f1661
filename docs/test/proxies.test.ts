import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'

import { createExportHandler, type ExportEvent, type ExportStore, serveNode } from '@sallyport/core'
import { createChaosStore, createMemoryStore, positionCoded } from '@sallyport/core/testing'
import { beforeAll, describe, expect, test, vi } from 'vitest'

import { isHere } from '../../scripts/servers/available.ts'
import { type Proxy, type ProxyName, startProxy } from '../../scripts/servers/proxies.ts'
import { onlyBlock } from './blocks.ts'

// The configurations of behind-a-proxy.md, as they stand but for ports, before a guarded service.

const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const large = '2f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const broken = '3f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const severalRanges = '4f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const impatient = '5f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const empty = '7f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const halfClosed = '9f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const zipped = '8f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const small = '6f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'

const bytes = Buffer.from(positionCoded(700_001))
const smallBytes = Buffer.from('an export that fits into one packet')
const zippedBytes = gzipSync(smallBytes)
const manyBytes = new Uint8Array(64 * 2 ** 20)
const memory = createMemoryStore({
  [id]: bytes,
  [large]: manyBytes,
  [halfClosed]: manyBytes,
  [broken]: bytes,
  [severalRanges]: bytes,
  [impatient]: manyBytes,
  [small]: smallBytes,
  [empty]: '',
})
const breaking = createChaosStore(memory, { faults: [{ does: 'cut', atByte: 400_000, times: 999 }] })
const unnamed = createMemoryStore({ [zipped]: zippedBytes })
/** A store that knows its object's coding. */
const coded: ExportStore = {
  head: async (...asked) => {
    const info = await unnamed.head(...asked)
    return info && { ...info, encoding: 'gzip' }
  },
  get: async (...asked) => {
    const object = await unnamed.get(...asked)
    return object && { ...object, info: { ...object.info, encoding: 'gzip' } }
  },
}
const stores = new Map([
  [broken, breaking],
  [zipped, coded],
])
const store: ExportStore = {
  head: (key, signal) => (stores.get(key) ?? memory).head(key, signal),
  get: (key, options, signal) => (stores.get(key) ?? memory).get(key, options, signal),
}

/** What the service knows of the requests that came to it. */
const events: ExportEvent[] = []
const given: IncomingHttpHeaders[] = []
const guard = (delivery: Parameters<typeof createExportHandler>[0]['delivery']) =>
  createExportHandler({
    verifier: {
      verify: async () => ({
        issuer: 'i',
        subject: 's',
        organizations: ['acme'],
        capabilities: ['exports:download'],
        claims: {},
      }),
    },
    tenancy: { mode: 'single', tenant: { id: 'acme', name: 'acme' } },
    capability: 'exports:download',
    findExport: async ({ exportId }) => ({
      id: String(exportId),
      tenantId: 'acme',
      key: exportId,
      format: 'csv',
      state: 'ready',
    }),
    store,
    limits: { perPrincipal: { capacity: 10_000, refill: 10_000, perMs: 1_000 } },
    delivery: { resume: { attempts: 0 }, ...delivery },
    onEvent: (event) => void events.push(event),
  })
const handler = guard({})
const handlers = new Map([
  [severalRanges, guard({ multipleRanges: true })],
  [impatient, guard({ slowestClient: { bytes: 65_536, perMs: 500 } })],
])

async function startService(): Promise<{ port: number; close: () => Promise<void> }> {
  const server: Server = createServer((incoming, response) => {
    const exportId = incoming.url?.split('/')[2] ?? ''
    given.push(incoming.headers)
    void serveNode(handlers.get(exportId) ?? handler, incoming, response, { params: { exportId } })
  })
  Object.assign(server, { httpAllowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Whether the client noticed that the answer is not whole. */
  readonly isCut: boolean
}

interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  /** Reads the first chunk, and then nothing until this resolves; `'leave'`: then closes the connection. */
  readonly afterFirstChunk?: Promise<unknown> | 'leave'
}

const ask = (port: number, exportId: string, question: Ask = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', headers, body, afterFirstChunk } = question
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path: `/exports/${exportId}/download`,
      method,
      headers: { authorization: 'Bearer token', ...headers },
      agent: false,
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('data', () => {
        if (afterFirstChunk === 'leave') outgoing.destroy()
        else if (afterFirstChunk) void pauseUntil(afterFirstChunk)
      })
      const pauseUntil = async (moment: Promise<unknown>): Promise<void> => {
        response.pause()
        await moment
        response.resume()
      }
      response.on('error', () => undefined)
      outgoing.off('error', reject).on('error', () => undefined)
      response.on('close', () => {
        const { statusCode: status = 0, headers: fields, complete } = response
        resolve({ status, headers: fields, body: Buffer.concat(chunks), isCut: !complete })
      })
    })
    outgoing.end(body)
  })

const exactly = (got: Buffer, wanted: Buffer): string =>
  got.equals(wanted) ? 'exact' : `${got.length} other bytes`

/** How the download of an export ended. */
const endOf = (exportId: string): Promise<string> =>
  vi.waitUntil(
    () => {
      const end = events.find((event) => event.type === 'download_ended' && event.exportId === exportId)
      return end?.type === 'download_ended' && end.outcome
    },
    { timeout: 15_000 },
  )

type Row = (port: number) => Promise<string>

/** What a client asks through a proxy, and in short what it sees. */
const rows: Readonly<Record<string, readonly [right: string, Row]>> = {
  'a whole download': [
    '200 700001 exact, 200 0',
    async (port) => {
      const { status, headers, body } = await ask(port, id)
      const none = await ask(port, empty)
      const length = none.headers['content-length']
      return `${status} ${headers['content-length']} ${exactly(body, bytes)}, ${none.status} ${length}`
    },
  ],
  'a client that takes gzip': [
    '200 700001 undefined "" exact',
    async (port) => {
      const { status, headers, body } = await ask(port, id, { headers: { 'accept-encoding': 'gzip, br' } })
      const { 'content-length': length, 'content-encoding': coding, etag = '' } = headers
      return `${status} ${length} ${coding} ${etag.replace(/(?<=").*(?=")/, '')} ${exactly(body, bytes)}`
    },
  ],
  'an export that is stored with gzip, to clients that take it and that name no coding': [
    '200 gzip exact, 200 undefined exact',
    async (port) => {
      const answers: string[] = []
      for (const headers of [{ 'accept-encoding': 'gzip' }, {}]) {
        const answer = await ask(port, zipped, { headers })
        answers.push(
          `${answer.status} ${answer.headers['content-encoding']} ${exactly(answer.body, zippedBytes)}`,
        )
      }
      return answers.join(', ')
    },
  ],
  'a token of 8,192 characters': [
    '200 exact',
    async (port) => {
      const authorization = `Bearer ${'t'.repeat(8_192)}`
      const { status, body } = await ask(port, id, { headers: { authorization } })
      return `${status} ${exactly(body, bytes)}`
    },
  ],
  'a range': [
    '206 bytes 699990-700000/700001 exact',
    async (port) => {
      const { status, headers, body } = await ask(port, id, { headers: { range: 'bytes=699990-' } })
      return `${status} ${headers['content-range']} ${exactly(body, bytes.subarray(699_990))}`
    },
  ],
  'a resume with If-Range, and one of another export': [
    '206 exact, 200 exact',
    async (port) => {
      const { headers } = await ask(port, id, { method: 'HEAD' })
      const rest = { range: 'bytes=400000-' }
      const same = await ask(port, id, { headers: { ...rest, 'if-range': headers.etag ?? '' } })
      const other = await ask(port, id, { headers: { ...rest, 'if-range': '"another"' } })
      const seen = exactly(same.body, bytes.subarray(400_000))
      return `${same.status} ${seen}, ${other.status} ${exactly(other.body, bytes)}`
    },
  ],
  HEAD: [
    '200 700001 0',
    async (port) => {
      const { status, headers, body } = await ask(port, id, { method: 'HEAD' })
      return `${status} ${headers['content-length']} ${body.length}`
    },
  ],
  'If-None-Match': [
    '304 the same ETag',
    async (port) => {
      const { headers } = await ask(port, id, { method: 'HEAD' })
      const same = await ask(port, id, { headers: { 'if-none-match': headers.etag ?? '' } })
      return `${same.status} ${same.headers.etag === headers.etag ? 'the same ETag' : same.headers.etag}`
    },
  ],
  'If-Match': [
    '412 application/problem+json',
    async (port) => {
      const { status, headers } = await ask(port, id, { headers: { 'if-match': '"another"' } })
      return `${status} ${headers['content-type']}`
    },
  ],
  'a range beyond the end': [
    '416 bytes */700001 application/problem+json',
    async (port) => {
      const { status, headers } = await ask(port, id, { headers: { range: 'bytes=700001-' } })
      return `${status} ${headers['content-range']} ${headers['content-type']}`
    },
  ],
  refusals: [
    '400 application/problem+json 400, 401 Bearer',
    async (port) => {
      const { status, headers, body } = await ask(port, 'nope')
      const stranger = await ask(port, id, { headers: { authorization: 'Basic eDp5' } })
      const said = /"status":(\d+)/.exec(body.toString())?.[1]
      const challenge = stranger.headers['www-authenticate']?.split(' ')[0]
      return `${status} ${headers['content-type']} ${said}, ${stranger.status} ${challenge}`
    },
  ],
  'Expect: 100-continue': [
    '200 exact, passed on, 405',
    async (port) => {
      const expect100 = { expect: '100-continue' }
      const { status, body } = await ask(port, id, { headers: expect100 })
      const isPassedOn = given.at(-1)?.expect !== undefined
      const post = await ask(port, id, { method: 'POST', headers: expect100, body: 'a body' })
      return `${status} ${exactly(body, bytes)}, ${isPassedOn ? 'passed on' : 'kept'}, ${post.status}`
    },
  ],
  'the address that the framework trusts': [
    '127.0.0.1',
    async (port) => {
      await ask(port, id, { method: 'HEAD', headers: { 'x-forwarded-for': '6.6.6.6' } })
      return String(given.at(-1)?.['x-forwarded-for']).split(',').at(-1)?.trim() ?? ''
    },
  ],
  'the id in both logs': [
    'of the proxy',
    async (port) => {
      const { headers } = await ask(port, id, { method: 'HEAD' })
      return headers['x-request-id'] === given.at(-1)?.['x-request-id'] ? 'of the proxy' : 'of the service'
    },
  ],
  'a list of ranges': [
    '200 exact, 200 exact',
    async (port) => {
      const headers = { range: 'bytes=0-3, 10-13' }
      const { status, body } = await ask(port, id, { headers })
      const short = await ask(port, small, { headers })
      return `${status} ${exactly(body, bytes)}, ${short.status} ${exactly(short.body, smallBytes)}`
    },
  ],
  'a list of ranges with delivery.multipleRanges': [
    '206 multipart/byteranges exact',
    async (port) => {
      const { status, headers, body } = await ask(port, severalRanges, {
        headers: { range: 'bytes=0-99999, 600000-' },
      })
      const [type, boundary = ''] = headers['content-type']?.split('; boundary=') ?? []
      const parts = body.toString('latin1').split(`\r\n--${boundary}`)
      const texts = parts.map((part) => part.slice(part.indexOf('\r\n\r\n') + 4)).join('')
      const wanted = Buffer.concat([bytes.subarray(0, 100_000), bytes.subarray(600_000)])
      return `${status} ${type} ${texts.includes(wanted.toString('latin1')) ? 'exact' : 'other bytes'}`
    },
  ],
  'a client that half-closes': [
    'whole',
    async (port) => {
      const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
      const fields = 'Host: exports.example.com\r\nAuthorization: Bearer token\r\nConnection: close\r\n'
      socket.end(`GET /exports/${halfClosed}/download HTTP/1.1\r\n${fields}\r\n`)
      const answer = await buffer(socket)
      socket.destroy()
      return answer.length > manyBytes.length ? 'whole' : 'a part or nothing'
    },
  ],
  'a client that leaves': [
    'client_aborted',
    async (port) => {
      await ask(port, large, { afterFirstChunk: 'leave' })
      return endOf(large)
    },
  ],
  'a client that stops reading': [
    'client_too_slow, cut',
    async (port) => {
      const end = Promise.withResolvers<string>()
      const answer = ask(port, impatient, { afterFirstChunk: end.promise })
      end.resolve(endOf(impatient))
      const { isCut } = await answer
      return `${await end.promise}, ${isCut ? 'cut' : 'whole'}`
    },
  ],
  'a store that dies in mid-body': [
    '200 cut before 400000',
    async (port) => {
      const { status, body, isCut } = await ask(port, broken)
      return `${status} ${isCut ? 'cut' : 'whole'} ${body.length <= 400_000 ? 'before 400000' : 'too long'}`
    },
  ],
}

/** These can make no id that is unique. */
const idOfService = { 'the id in both logs': 'of the service' }

/** These take it for a client that leaves. */
const noHalfClose = { 'a client that half-closes': 'a part or nothing' }

/** These do not pass the field on. HAProxy must not: 2.6 cuts some downloads that begin with 100. */
const keepsExpect = { 'Expect: 100-continue': '200 exact, kept, 405' }

/** The proxies, the language of their block in the docs, and what they show in place of what `rows` says. */
const proxies: readonly (readonly [ProxyName, string, Readonly<Record<string, string>>])[] = [
  ['nginx', 'nginx', keepsExpect],
  ['haproxy', 'haproxy', keepsExpect],
  ['varnish', 'vcl', { ...idOfService, ...keepsExpect }],
  ['apache', 'apache', {}],
  ['caddy', 'caddyfile', noHalfClose],
  ['squid', 'squid', { ...idOfService, ...noHalfClose }],
  ['lighttpd', 'lighttpd', idOfService],
]

for (const [name, language, others] of proxies)
  describe.skipIf(!isHere(name))(`${name}, as in the docs`, () => {
    let service: Awaited<ReturnType<typeof startService>>
    let proxy: Proxy
    beforeAll(async () => {
      events.length = 0
      service = await startService()
      proxy = await startProxy(name, onlyBlock('docs/behind-a-proxy.md', language), service.port)
      return async () => {
        await proxy.close()
        await service.close()
      }
    })
    test.each(Object.entries(rows))('%s', async (title, [right, row]) => {
      expect(await row(proxy.port)).toBe(others[title] ?? right)
    })
  })
