import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'

import { createExportHandler, serveNode } from '../packages/core/src/index.ts'

// Measures handler.cut: milliseconds from the call until the event is there, and until the client sees the failure. One download at
// a time: half of the clients read as fast as they can, and half read nothing until the cut.
// node --conditions=@sallyport/source scripts/measure-operator-cuts.ts

const clients = 100
const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const info = { size: 1e12, validator: '1' }
const chunk = Buffer.alloc(65_536, 'x')
async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield chunk
}
const row = { id, tenantId: '17' }
let cutAt = 0
const eventsMs: number[] = []
const handler = createExportHandler({
  verifier: {
    verify: async () => ({
      issuer: 'https://issuer.test',
      subject: 'ann',
      organizations: ['acme'],
      capabilities: ['download'],
      claims: {},
    }),
  },
  tenancy: { mode: 'single', tenant: { id: '17', name: 'acme' } },
  capability: 'download',
  findExport: async () => ({ ...row, key: 'k', format: 'csv', state: 'ready' }),
  store: {
    head: async () => info,
    get: async () => ({ info, chunks: endless(), close: () => undefined }),
  },
  limits: { perPrincipal: { capacity: 1_000, refill: 1_000, perMs: 1_000 }, concurrent: { perPrincipal: 1 } },
  onEvent: (event) => {
    if (event.type === 'download_ended' && event.outcome === 'cut') eventsMs.push(performance.now() - cutAt)
  },
})
const server = createServer((request, response) => {
  void serveNode(handler, request, response, { params: { exportId: row.id } })
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const address = server.address()
const port = typeof address === 'object' && address ? address.port : 0

const headers = { authorization: 'Bearer token' }
async function download(): Promise<IncomingMessage> {
  const request = get({ port, headers, agent: false }).on('error', () => undefined)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response.on('error', () => undefined)
}

const failuresMs: number[] = []
let complete = 0
for (let nth = 0; nth < clients; nth += 1) {
  const response = await download()
  if (response.statusCode !== 200) throw new Error(`the slot was not free: ${response.statusCode}`)
  // Until the buffers of the kernel are full, and so nothing moves.
  if (nth % 2 === 1) await new Promise((resolve) => setTimeout(resolve, 300))
  else response.resume()
  const closed = new Promise((resolve) => response.once('close', resolve))
  cutAt = performance.now()
  handler.cut(({ principal }) => principal.subject === 'ann')
  response.resume()
  await closed
  failuresMs.push(performance.now() - cutAt)
  complete += Number(response.complete)
}
server.close()
const told = (times: readonly number[]): string =>
  `median ${median(times).toFixed(1)} ms, longest ${Math.max(...times).toFixed(1)} ms`
console.log(`${eventsMs.length} downloads cut, ${complete} complete.`)
console.log(`until the event: ${told(eventsMs)}; until the client sees the failure: ${told(failuresMs)}`)

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN
}
