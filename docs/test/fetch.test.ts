import { once } from 'node:events'
import { connect } from 'node:net'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { blocks } from './blocks.ts'
import { type Running, runModule } from './run.ts'

// The Fetch example of mounting.md, as it stands, behind a server that streams its Response.

const block = blocks.find(({ code }) => code.includes('toReadableStream'))
const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const broken = '2f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const size = 64 * 2 ** 20

const before = `
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createExportHandler } from '@sallyport/core'
import { createChaosStore, createMemoryStore } from '@sallyport/core/testing'

const principal = { issuer: 'i', subject: 's', organizations: ['acme'], capabilities: ['exports:download'], claims: {} }
const bytes = new Uint8Array(${size})
const memory = createMemoryStore({ '${id}': bytes, '${broken}': bytes })
const breaking = createChaosStore(memory, { faults: [{ does: 'cut', atByte: 100_000, times: 9 }] })
const handler = createExportHandler({
  verifier: { verify: async () => principal },
  tenancy: { mode: 'single', tenant: { id: 'acme', name: 'acme' } },
  capability: 'exports:download',
  findExport: async ({ exportId }) =>
    ({ id: exportId, tenantId: 'acme', key: exportId, format: 'jsonl', state: 'ready' }),
  store: {
    head: memory.head,
    get: (key, options, signal) => (key === '${broken}' ? breaking : memory).get(key, options, signal),
  },
  delivery: { resume: { attempts: 0 }, slowestClient: { bytes: 65_536, perMs: 1_000 } },
  onEvent: (event) => event.type === 'download_ended' && console.log(event.outcome),
})
`
const after = `
const server = createServer(async (incoming, outgoing) => {
  const left = new AbortController()
  outgoing.once('close', () => left.abort())
  const headers = Object.entries(incoming.headers) as [string, string][]
  const request = new Request('http://exports.test' + incoming.url, { headers, signal: left.signal })
  const response = await answer(request, incoming.url?.split('/')[2] ?? '')
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (!response.body) return void outgoing.end()
  await pipeline(Readable.fromWeb(response.body), outgoing).catch(() => undefined)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

let module: Running
beforeAll(async () => void (module = await runModule(`${before}${block?.code}${after}`)))
afterAll(() => module.end())

const ask = (exportId: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${module.line}/exports/${exportId}/download`, {
    headers: { authorization: 'Bearer token', ...headers },
  })
const outcomes = (): readonly string[] => module.lines.slice(1)

test('a range comes exact, an export comes whole, a list of ranges closes the connection', async () => {
  const part = await ask(id, { range: 'bytes=5-9' })
  expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 5])
  const whole = await ask(id)
  expect([whole.status, (await whole.arrayBuffer()).byteLength]).toEqual([200, size])
  const list = await ask(id, { range: 'bytes=0-1,8-9' })
  expect([list.status, list.headers.get('connection')]).toEqual([200, 'close'])
  await list.body?.cancel()
})

test('a store that breaks off is a failure', async () => {
  const answer = await ask(broken)
  await expect(answer.arrayBuffer()).rejects.toThrow('terminated')
})

test('a client that stops reading is let go of, and so is its export', { timeout: 20_000 }, async () => {
  const socket = connect(Number(module.line), '127.0.0.1').on('error', () => undefined)
  socket.write(`GET /exports/${id}/download HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer token\r\n\r\n`)
  await once(socket, 'readable')
  await expect.poll(outcomes, { timeout: 10_000 }).toContain('client_too_slow')
  const closed = once(socket, 'close')
  socket.resume()
  await closed
  expect(socket.bytesRead).toBeLessThan(size)
})
