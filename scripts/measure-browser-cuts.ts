import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  createExportHandler,
  type ExportRecord,
  type ExportStore,
  serveNode,
} from '../packages/core/src/index.ts'
import { positionCoded } from '../packages/core/src/testing/position-coded.ts'
import { isHere } from './servers/available.ts'
import { startChromium } from './servers/chromium.ts'

/**
 * Shows what Chromium does with a download that is cut: `node --conditions=@sallyport/source scripts/measure-browser-cuts.ts`.
 * As root, on Debian: apt-get install --no-install-recommends chromium.
 *
 * A headless Chromium downloads 8 MiB from a server on loopback, which cuts the first response after 3 MiB, in each of
 * these ways. Prints each request and how the download ended.
 */

const size = 8_388_608
const cutAt = 3_145_728
const row: ExportRecord = {
  id: '0f0e0d0c-0b0a-4908-8706-050403020100',
  tenantId: 'acme',
  key: 'k',
  format: 'jsonl',
  state: 'ready',
  object: { size, validator: 'v' },
}
const endings = ['TCP close', 'TCP reset', 'TLS close without close_notify', 'HTTP/2 RST_STREAM'] as const

if (!isHere('chromium')) throw new Error('apt-get install --no-install-recommends chromium')
const bytes = Buffer.from(positionCoded(size))
process.stdout.write(String(spawnSync('chromium', ['--version']).stdout))
const certificate = await makeCertificate()
for (const ending of endings) await measure(ending)
process.exit()

async function measure(ending: (typeof endings)[number]): Promise<void> {
  const asked: string[] = []
  let opened = 0
  const store: ExportStore = {
    head: async () => ({ size, validator: 'v' }),
    get: async (_, { range }) => {
      const isFirst = opened++ === 0
      return {
        info: { size, validator: 'v' },
        close: () => undefined,
        chunks: (async function* chunks() {
          const { first, last } = range ?? { first: 0, last: size - 1 }
          for (let at = first; at <= last; at += 65_536) {
            if (isFirst && at >= cutAt) {
              await new Promise((resolve) => setTimeout(resolve, 500))
              throw new Error('cut')
            }
            yield bytes.subarray(at, Math.min(at + 65_536, last + 1))
          }
        })(),
      }
    },
  }
  const handler = createExportHandler({
    verifier: {
      verify: async () => ({
        issuer: 'i',
        subject: 's',
        organizations: ['acme'],
        capabilities: ['d'],
        claims: {},
      }),
    },
    tenancy: { mode: 'single', tenant: { id: 'acme', name: 'acme' } },
    capability: 'd',
    findExport: async () => row,
    store,
    delivery: { resume: { attempts: 0 } },
  })
  const listener = (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void => {
    const fields = ['range', 'if-range', 'sec-fetch-mode'].map(
      (name) => `${name}: ${String(request.headers[name] ?? 'none')}`,
    )
    asked.push(fields.join(', '))
    // A navigation cannot send a token. Without Sec-Fetch-Mode the handler resets the connection.
    request.headers.authorization = 'Bearer token'
    request.rawHeaders.push('Authorization', 'Bearer token')
    if (ending === 'TCP reset') delete request.headers['sec-fetch-mode']
    void serveNode(handler, request, response, { params: { exportId: row.id } })
  }
  const server = {
    'TCP close': () => createServer(listener),
    'TCP reset': () => createServer(listener),
    'TLS close without close_notify': () => createTlsServer(certificate, listener),
    'HTTP/2 RST_STREAM': () => createSecureServer(certificate, listener),
  }[ending]()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `${ending.startsWith('TCP') ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browser = await startChromium(['--ignore-certificate-errors'])
  await browser.open(`${origin}/download`)
  const { state } = await browser.download((download) => download.state !== 'inProgress')
  const files = await readdir(browser.folder).catch(() => [])
  const contents = await Promise.all(files.map((file) => readFile(join(browser.folder, file))))
  process.stdout.write(
    `\n${ending} after ${cutAt} of ${size} bytes:
${asked.map((line, n) => `  request ${n + 1}: ${line}`).join('\n')}
  state: ${state}
  files: ${files.map((file, n) => `${file.endsWith('.crdownload') ? 'partial' : 'complete'}, ${contents[n]?.length} bytes, ${contents[n]?.equals(bytes) ? 'exact' : 'not the export'}`).join('; ') || 'none'}
`,
  )
  await browser[Symbol.asyncDispose]()
  server.close()
}

async function makeCertificate(): Promise<{ readonly key: Buffer; readonly cert: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-certificate-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const options = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert]
  const { status } = spawnSync('openssl', ['req', ...options, ...names])
  if (status !== 0) throw new Error('openssl could not make a certificate')
  const made = { key: await readFile(key), cert: await readFile(cert) }
  await rm(folder, { recursive: true })
  return made
}
