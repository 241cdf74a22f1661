/**
 * Measures the speed of one download with `delivery.bytesPerSecond`, over a real socket: `pnpm bench:pace`. Each speed is measured
 * for 10 seconds. Exits with status 1 if one is off by more than 5 %.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as pass } from 'node:timers/promises'

import { createExportHandler, serveNode } from '@sallyport/core'
import type { ExportRecord, ExportStore } from '@sallyport/core'

const seconds = 10
const mostOff = 0.05
const speeds = [65_536, 1_000_000, 50_000_000]

const id = '0b0e7b4e-3c1d-4a53-9d0c-5f0a6c1d2e3f'
const tenant = { id: 'acme', name: 'acme' }
const record: ExportRecord = { id, tenantId: tenant.id, key: 'k', format: 'jsonl', state: 'ready' }
const request = `GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer any\r\nConnection: close\r\n\r\n`

/** An object that is never read to its end, in chunks of 64 KiB. */
function createEndlessStore(): ExportStore {
  const chunk = Buffer.alloc(65_536, 'id,name,value\n')
  const info = { size: 1e12, validator: 'one' }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (;;) yield chunk
  }
  return {
    head: () => Promise.resolve(info),
    get: () => Promise.resolve({ info, chunks: chunks(), close: () => undefined }),
  }
}

/** Downloads for `seconds`, from the first byte on. Returns the speed that the client saw, and the CPU of this process. */
async function measure(
  bytesPerSecond: number,
): Promise<{ readonly speed: number; readonly cpuShare: number }> {
  const handler = createExportHandler({
    verifier: {
      verify: () =>
        Promise.resolve({
          issuer: 'https://issuer.test',
          subject: 'ann',
          organizations: [],
          capabilities: ['exports'],
          claims: {},
        }),
    },
    tenancy: { mode: 'single', tenant },
    capability: 'exports',
    findExport: () => Promise.resolve(record),
    store: createEndlessStore(),
    delivery: { bytesPerSecond },
  })
  const server = createServer((incoming, response) => {
    void serveNode(handler, incoming, response, { params: { exportId: id } })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const client = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1')
  client.write(request)
  await once(client, 'readable')
  const before = process.cpuUsage()
  const begun = performance.now()
  client.resume()
  await pass(seconds * 1_000)
  const passedMs = performance.now() - begun
  const { user, system } = process.cpuUsage(before)
  const speed = (client.bytesRead * 1_000) / passedMs
  client.destroy()
  server.close()
  await once(server, 'close')
  return { speed, cpuShare: (user + system) / 1_000 / passedMs }
}

let isOff = false
for (const asked of speeds) {
  const { speed, cpuShare } = await measure(asked)
  const off = speed / asked - 1
  isOff ||= Math.abs(off) > mostOff
  const told = `${off >= 0 ? '+' : ''}${(off * 100).toFixed(2)} %`
  console.log(
    `${asked.toLocaleString('en')} bytes per second: ${Math.round(speed).toLocaleString('en')} over ${seconds} s, ${told}; client and server took ${(cpuShare * 100).toFixed(1)} % of a core`,
  )
}
process.exitCode = isOff ? 1 : 0
