import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createExportHandler, type ExportStore, serveNode } from '@sallyport/core'
import { createChaosStore, createMemoryStore, positionCoded } from '@sallyport/core/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

import { isHere } from '../../scripts/servers/available.ts'
import { type Daemon, startDaemon } from '../../scripts/servers/daemon.ts'
import { onlyBlock } from './blocks.ts'

// The nginx file of behind-a-proxy.md, as it stands but for ports, before a guarded service.

const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const large = '2f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const broken = '3f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const bytes = positionCoded(700_001)
const manyBytes = new Uint8Array(64 * 2 ** 20)

const memory = createMemoryStore({ [id]: bytes, [large]: manyBytes, [broken]: bytes })
const breaking = createChaosStore(memory, { faults: [{ does: 'cut', atByte: 400_000 }] })
const store: ExportStore = {
  head: (key, signal) => memory.head(key, signal),
  get: (key, options, signal) => (key === broken ? breaking : memory).get(key, options, signal),
}
const tenant = { id: 'acme', name: 'acme' }
const handler = createExportHandler({
  verifier: {
    verify: async () => ({
      issuer: 'i',
      subject: 's',
      organizations: ['acme'],
      capabilities: ['exports:download'],
      claims: {},
    }),
  },
  tenancy: { mode: 'single', tenant },
  capability: 'exports:download',
  findExport: async ({ exportId }) => ({
    id: String(exportId),
    tenantId: 'acme',
    key: exportId,
    format: 'jsonl',
    state: 'ready',
  }),
  store,
  delivery: { resume: { attempts: 0 } },
})

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })

describe.skipIf(!isHere('nginx'))('nginx before the guard', () => {
  let folder: string
  let service: Server
  let nginx: Daemon
  let origin: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-nginx-'))
    service = createServer((request, response) => {
      const exportId = request.url?.split('/')[2]
      void serveNode(handler, request, response, { params: { exportId } })
    })
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    const file = join(folder, 'nginx.conf')
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join(' ')
    const config = onlyBlock('docs/behind-a-proxy.md', 'nginx')
      .replace('127.0.0.1:3000', `127.0.0.1:${(service.address() as AddressInfo).port}`)
      .replace('listen 8080', `listen 127.0.0.1:${port}`)
      .replace('http {', `http { access_log off; ${temporary}`)
    await writeFile(
      file,
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;\n${config}`,
    )
    const { status, stderr } = spawnSync('/usr/sbin/nginx', ['-t', '-c', file], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    nginx = startDaemon('/usr/sbin/nginx', ['-c', file], { cwd: folder })
    await vi.waitUntil(() => answers(port), { timeout: 5_000 })
  }, 15_000)
  afterAll(async () => {
    await nginx.end()
    service.closeAllConnections()
    await new Promise((resolve) => service.close(resolve))
    await rm(folder, { recursive: true })
  })

  const ask = (exportId: string, init: { method?: string; headers?: Record<string, string> } = {}) =>
    fetch(`${origin}/exports/${exportId}/download`, {
      ...init,
      headers: { authorization: 'Bearer token', ...init.headers },
    })

  test('a whole download is exact, and knows its length', async () => {
    const answer = await ask(id)
    const length = answer.headers.get('content-length')
    expect([answer.status, length]).toEqual([200, String(bytes.length)])
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes)
  })

  test('a client that takes gzip gets the same', async () => {
    const answer = await ask(id, { headers: { 'accept-encoding': 'gzip' } })
    expect(answer.headers.get('content-encoding')).toBeNull()
    expect(answer.headers.get('etag')).toMatch(/^"/)
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes)
  })

  test('a range is a range', async () => {
    const answer = await ask(id, { headers: { range: 'bytes=699990-' } })
    expect([answer.status, answer.headers.get('content-range')]).toEqual([206, 'bytes 699990-700000/700001'])
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes.slice(699_990))
  })

  test('HEAD, 304, 416 and refusals pass as they are', async () => {
    const head = await ask(id, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '700001'])
    const etag = head.headers.get('etag') ?? ''
    const same = await ask(id, { headers: { 'if-none-match': etag } })
    expect([same.status, same.headers.get('etag')]).toEqual([304, etag])
    const beyond = await ask(id, { headers: { range: 'bytes=700001-' } })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */700001'])
    const refused = await ask('nope')
    expect([refused.status, refused.headers.get('content-type')]).toEqual([400, 'application/problem+json'])
  })

  test('our request id and its log line are the same', async () => {
    const answer = await ask(id, { method: 'HEAD' })
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/)
  })

  test('a client that pauses costs no disk', async () => {
    const answer = await ask(large)
    const reader = answer.body?.getReader()
    await reader?.read()
    const files = await readdir(join(folder, 'proxy'), { recursive: true })
    expect(files).toEqual([])
    await reader?.cancel()
  })

  test('a store that dies in mid-body reaches the client as a failure', async () => {
    const answer = await ask(broken)
    expect(answer.status).toBe(200)
    await expect(answer.arrayBuffer()).rejects.toThrow('terminated')
  })
})
