import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { textOf } from './blocks.ts'
import { type Running, runModule } from './run.ts'

// The blocks of frameworks.md, each in its framework: an export is downloaded, cut, aborted and resumed.

const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const broken = '2f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const size = 16 * 2 ** 20

const before = `
import { createExportHandler } from '@sallyport/core'
import { createChaosStore, createMemoryStore } from '@sallyport/core/testing'

const principal = { issuer: 'i', subject: 's', organizations: ['acme'], capabilities: ['exports:download'], claims: {} }
const bytes = Buffer.alloc(${size}, Uint8Array.from({ length: 256 }, (_, index) => index))
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
  delivery: { resume: { attempts: 0 } },
  onEvent: (event) => event.type === 'download_ended' && console.log(event.outcome),
})
process.on('unhandledRejection', (error) => console.log('unhandled', error))
`
const nest = `
import 'reflect-metadata'
import { Logger, Module } from '@nestjs/common'
Logger.overrideLogger(false)
class AppModule {}
Module({})(AppModule)
`
const printAddress = 'console.log(new URL(await app.getUrl()).port)'
/** Serves a function from \`Request\` to \`Response\`, called \`answer\`, on Node. */
const onNode = `
import { serve as serveOnNode } from '@hono/node-server'
serveOnNode({ fetch: answer, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(port))
`
const exportIdOf = "{ exportId: new URL(request.url).pathname.split('/')[2] }"

interface Framework {
  readonly heading: string
  readonly edit: (code: string) => string
}
const frameworks: readonly Framework[] = [
  {
    heading: 'NestJS on Express',
    edit: (code) => nest + code.replace('listen(3000)', "listen(0, '127.0.0.1')") + printAddress,
  },
  {
    heading: 'NestJS on Fastify',
    edit: (code) => nest + code.replace("listen(3000, '0.0.0.0')", "listen(0, '127.0.0.1')") + printAddress,
  },
  {
    heading: 'Hono on Node',
    edit: (code) => code.replace(/port: 3000(.*)\}\)/, 'port: 0$1}, ({ port }) => console.log(port))'),
  },
  {
    heading: 'Hono anywhere',
    edit: (code) => `${code.replace('export default app', 'const answer = app.fetch')}${onNode}`,
  },
  {
    heading: 'Next.js',
    edit: (code) =>
      `${code}const answer = (request) => download(request, { params: Promise.resolve(${exportIdOf}) })\n${onNode}`,
  },
  {
    heading: 'React Router',
    edit: (code) =>
      `${code}const answer = (request) => loader({ request, params: ${exportIdOf} })\n${onNode}`,
  },
  {
    heading: 'H3 and Nitro',
    edit: (code) => `${code.replace('export default app', 'const answer = app.fetch')}${onNode}`,
  },
]

const page = textOf('docs/frameworks.md')
const codes = new Map(
  [...page.matchAll(/^## (.*)\n(?:(?!^## )[^])*?^```ts.*\n([^]*?)^```$/gm)].map(([, heading, code]) => [
    heading,
    code ?? '',
  ]),
)

test('every framework has a block of at most 20 lines', () => {
  expect(codes.size).toBe(page.match(/^## /gm)?.length)
  expect([...codes].filter(([, code]) => code.trimEnd().split('\n').length > 20)).toEqual([])
})

describe.each(frameworks)('$heading', ({ heading, edit }) => {
  let module: Running
  beforeAll(async () => void (module = await runModule(`${before}${edit(codes.get(heading) ?? '')}`)))
  afterAll(() => module.end())

  const urlOf = (exportId: string): string => `http://127.0.0.1:${module.line}/exports/${exportId}/download`
  const ask = (exportId: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    fetch(urlOf(exportId), { method, headers: { authorization: 'Bearer token', ...headers } })
  const outcomes = (): readonly string[] => module.lines.slice(1)

  test('an export is downloaded', async () => {
    const answer = await ask(id)
    expect([answer.status, answer.headers.get('content-length')]).toEqual([200, String(size)])
    expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.alloc(size, everyByte))).toBe(true)
  })

  test('a refusal and HEAD are answered, a body is ignored, and an encoded letter is never the export', async () => {
    expect((await ask(id, { authorization: '' })).status).toBe(401)
    expect((await ask('nope')).status).toBe(400)
    const head = await ask(id, {}, 'HEAD')
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)])
    const posted = await fetch(urlOf(id), {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    })
    expect(posted.status).toBe(405)
    const encoded = await fetch(urlOf(id).replace('download', 'downloa%64'), {
      headers: { authorization: 'Bearer token' },
    })
    expect([400, 404]).toContain(encoded.status)
  })

  test('a download that fails is cut', async () => {
    await expect((await ask(broken)).arrayBuffer()).rejects.toThrow('terminated')
    await expect.poll(outcomes).toContain('store_cut')
  })

  test('a client that leaves ends its download, and resumes it', async () => {
    const asked = get(urlOf(id), { headers: { authorization: 'Bearer token' } })
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const [chunk] = (await once(answer, 'data')) as [Buffer]
    answer.on('error', () => undefined).destroy()
    await expect.poll(outcomes).toContain('client_aborted')
    const range = { range: `bytes=${chunk.length}-`, 'if-range': String(answer.headers.etag) }
    const rest = await ask(id, range)
    expect([rest.status, rest.headers.get('content-range')]).toEqual([
      206,
      `bytes ${chunk.length}-${size - 1}/${size}`,
    ])
    const got = Buffer.concat([chunk, Buffer.from(await rest.arrayBuffer())])
    expect(got.equals(Buffer.alloc(size, everyByte))).toBe(true)
  })

  test('nothing is left unhandled', () => {
    expect(outcomes().filter((line) => line.startsWith('unhandled'))).toEqual([])
  })
})

/** What the service sends, again and again. */
const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index)
