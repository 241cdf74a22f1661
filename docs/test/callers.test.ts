import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import {
  createExportHandler,
  type ExportHandlerOptions,
  type ExportRecord,
  type ExportStore,
  serveNode,
} from '@sallyport/core'
import { createChaosStore, createMemoryStore, positionCoded } from '@sallyport/core/testing'
import { expect, onTestFinished, test } from 'vitest'

import { statusOf } from '../../packages/core/src/refusals.ts'
import { isHere } from '../../scripts/servers/available.ts'
import { blocks, textOf } from './blocks.ts'

// callers.md says what the wire shows: its headers and statuses, and its script resumes a download that is cut.

const page = textOf('docs/callers.md')
const here = blocks.filter(({ document }) => document === 'docs/callers.md')
const section = (heading: string): string => page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''

const bytes = positionCoded(700_001)
const row: ExportRecord = {
  id: '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82',
  tenantId: 'acme',
  key: 'k',
  format: 'jsonl',
  state: 'ready',
  object: { sha256: createHash('sha256').update(bytes).digest('hex') },
}
const memory = createMemoryStore({ k: bytes })
/** The same object, stored with `Content-Encoding: gzip`. */
const compressed: ExportStore = {
  head: async (key, signal) => {
    const info = await memory.head(key, signal)
    return info && { ...info, encoding: 'gzip' }
  },
  get: async (key, options, signal) => {
    const opened = await memory.get(key, options, signal)
    return opened && { ...opened, info: { ...opened.info, encoding: 'gzip' } }
  },
}
const optionsWith = (changes: Partial<ExportHandlerOptions>): ExportHandlerOptions => ({
  verifier: {
    verify: async (token) => ({
      issuer: 'i',
      subject: token,
      organizations: ['acme'],
      capabilities: token === 'weak' ? [] : ['c'],
      claims: {},
    }),
  },
  tenancy: { mode: 'multi', findTenant: async (name) => ({ id: name, name }) },
  capability: 'c',
  findExport: async () => row,
  store: memory,
  ...changes,
})

async function ask(
  options: Partial<ExportHandlerOptions>,
  fields: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<{ status: number; names: readonly string[] }> {
  const handler = createExportHandler(optionsWith(options))
  const sent: Readonly<Record<string, string>> = {
    authorization: 'Bearer token',
    'x-org-name': 'acme',
    ...fields,
  }
  const { status, headers, body } = await handler.handle({
    method,
    params: { exportId: row.id },
    header: (name) => sent[name],
    signal: new AbortController().signal,
  })
  for await (const _ of body ?? []);
  return { status, names: Object.keys(headers) }
}

test('a whole download has the headers of the first answer', async () => {
  const [, answer] = here.filter(({ language }) => language === 'http')
  const shown = [...(answer?.code ?? '').matchAll(/^([\w-]+): /gm)].map(([, name = '']) => name)
  const { names } = await ask({})
  expect([...names, 'Date', 'Connection', 'Keep-Alive'].toSorted()).toEqual(shown.toSorted())
})

test('the table of response headers has every header, and no other', async () => {
  const ending = {
    versions: {
      v1: {
        deprecated: new Date(0),
        sunset: new Date('2100-01-01'),
        links: { sunset: 'https://example.com/' },
      },
    },
  }
  const once = { perPrincipal: { capacity: 1, refill: 1, perMs: 60_000 }, legacyFields: true }
  const full: ExportHandlerOptions['limits'] = {
    limiter: {
      admit: async () => ({ admitted: false, left: [], by: 'principal', retryAfterMs: 1_000 }),
    },
  }
  const answers = [
    await ask({ ...ending, limits: once }),
    await ask({ store: compressed, findExport: async () => row }, { 'accept-encoding': 'gzip' }),
    await ask({}, { range: 'bytes=0-9' }),
    await ask({}, { range: 'bytes=700001-' }),
    await ask({}, { authorization: '' }),
    await ask({}, { authorization: 'Bearer weak' }),
    await ask({}, {}, 'POST'),
    await ask({ limits: full }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 206, 416, 401, 403, 405, 429])
  const seen = new Set(answers.flatMap(({ names }) => names))
  const listed = [...section('Response headers').matchAll(/^\| (`[^|]*`) +\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
  expect(listed.toSorted()).toEqual([...seen].toSorted())
})

test('the table of errors has every status of a refusal, and no other', () => {
  const listed = [...section('Errors').matchAll(/^\| (\d{3})/gm)].map(([, status]) => Number(status))
  const statuses = new Set(Object.values(statusOf))
  expect(listed).toEqual([...statuses].toSorted((one, other) => one - other))
})

test.skipIf(!isHere('curl'))('the script resumes a download that is cut', { timeout: 30_000 }, async () => {
  const cut = { does: 'cut', times: 1 } as const
  const chaos = createChaosStore(memory, {
    faults: [
      { ...cut, atByte: 200_000 },
      { ...cut, atByte: 400_000 },
    ],
  })
  const handler = createExportHandler(optionsWith({ store: chaos, delivery: { resume: { attempts: 0 } } }))
  const statuses: number[] = []
  const server = createServer((request, response) => {
    response.once('close', () => statuses.push(response.statusCode))
    void serveNode(handler, request, response, { params: { exportId: row.id } })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-resume-'))
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  })
  const script = here.find(({ code }) => code.includes('If-Range'))?.code ?? ''
  const { port } = server.address() as AddressInfo
  const env = { ...process.env, TOKEN: 'token', URL: `http://127.0.0.1:${port}/download` }
  await promisify(execFile)('bash', ['-c', script.replace('sleep "$attempt"', 'sleep 0.1')], {
    cwd: folder,
    env,
  })
  expect(new Uint8Array(await readFile(join(folder, 'export.jsonl')))).toEqual(bytes)
  expect(statuses).toEqual([200, 200, 206, 206])
})
