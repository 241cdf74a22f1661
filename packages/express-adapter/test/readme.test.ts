import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import type { RefusalKind } from '@sallyport/core'
import { createExportHandler, refuse } from '@sallyport/core'
import { createMemoryStore, createTestIssuer, positionCoded } from '@sallyport/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { statusOf } from '../../core/src/refusals.ts'

const packageFolder = join(import.meta.dirname, '..')
const readme = await readFile(join(packageFolder, '../../README.md'), 'utf8')
const [service = '', settings = ''] = [...readme.matchAll(/```ts(?: given=\w+)?\n(.*?)```/gs)].map(
  ([, code = '']) => code,
)

const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const bytes = positionCoded(700_001)
const reader = {
  issuer: 'i',
  subject: 's',
  organizations: ['acme'],
  capabilities: ['exports:download'],
  claims: {},
}

/** Runs a module's text in a Node of its own, as if it lay in the package. Its first line on stdout is its address. */
async function run(code: string): Promise<{ url: string; end(): Promise<void> }> {
  const args = ['--conditions=@sallyport/source', '--input-type=module', '-']
  const child = spawn(process.execPath, args, { cwd: packageFolder, stdio: ['pipe', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  child.stdin.end(code)
  const [url] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exit.then(() => Promise.reject(new Error('the code ended'))),
  ])) as [string]
  return {
    url,
    end: async () => {
      child.kill()
      await exit
    },
  }
}

const onAnyPort = (code: string): string =>
  code.replace(
    'listen(3000)',
    "listen(0, '127.0.0.1', function () { console.log(`http://127.0.0.1:${this.address().port}`) })",
  )

test('a service of README.md without its WHERE clause serves nothing of another tenant', async () => {
  const lost = service
    .replace('row.tenantId === tenant.id && ', '')
    .replace("organizations = [{ id: '17'", "organizations = [{ id: '18'")
    .replace(
      /verifier: createJwtVerifier\(.*\),\n/,
      `verifier: { verify: async () => (${JSON.stringify(reader)}) },\n`,
    )
  expect(lost.split('\n').filter((line) => !service.includes(line))).toHaveLength(3)
  const served = await run(onAnyPort(lost))
  const headers = { authorization: 'Bearer any', 'x-org-name': 'acme' }
  const answer = await fetch(new URL(`/exports/${id}/download`, served.url), { headers })
  await served.end()
  expect(answer.status).toBe(404) // 503 would be the answer of a store that was asked for `/var/exports`
})

describe.each([
  { title: 'the service', code: service },
  { title: 'the service with the settings', code: service.replace('app.listen(3000)\n', settings) },
])('$title of README.md', ({ code }) => {
  const signerOf = createTestIssuer()
  let root: string
  let keys: Server
  let issuer: string
  let served: Awaited<ReturnType<typeof run>>
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'sallyport-readme-'))
    await mkdir(join(root, 'acme'))
    await writeFile(join(root, 'acme', '2026-05.jsonl'), bytes)
    const { jwks } = await signerOf
    keys = createServer((_request, response) => response.end(JSON.stringify(jwks)))
    await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve))
    issuer = `http://127.0.0.1:${(keys.address() as AddressInfo).port}`
    served = await run(
      onAnyPort(code.replace('https://login.example.com', issuer).replace('/var/exports', root)),
    )
  })
  afterAll(async () => {
    await served.end()
    keys.close()
    await rm(root, { recursive: true })
  })

  const ask = async (path: string, more: Record<string, string> = {}): Promise<Response> => {
    const authorization = `Bearer ${await (await signerOf).token({ iss: issuer })}`
    const headers = { authorization, 'x-org-name': 'acme', ...more }
    return fetch(new URL(path, served.url), { headers })
  }

  test('has at most 26 lines', () => {
    expect(service.trimEnd().split('\n').length).toBeLessThanOrEqual(26)
    expect(code).toContain('listen(3000)')
  })

  test('downloads the file, whole and in part', async () => {
    const whole = await ask(`/exports/${id}/download`)
    expect(new Uint8Array(await whole.arrayBuffer())).toEqual(bytes)
    const part = await ask(`/exports/${id}/download`, { range: 'bytes=700000-' })
    expect([part.status, new Uint8Array(await part.arrayBuffer())]).toEqual([206, bytes.slice(-1)])
  })

  test.each([
    { what: 'no token', path: `/exports/${id}/download`, more: { authorization: '' }, status: 401 },
    {
      what: 'another organization',
      path: `/exports/${id}/download`,
      more: { 'x-org-name': 'globex' },
      status: 403,
    },
    {
      what: 'an id that is in no row',
      path: `/exports/${id.replace('1', '2')}/download`,
      more: {},
      status: 404,
    },
    { what: 'a malformed id', path: '/exports/nope/download', more: {}, status: 400 },
    { what: 'a path that cannot be decoded', path: '/exports/%zz/download', more: {}, status: 400 },
  ])('refuses $what with $status', async ({ path, more, status }) => {
    const response = await ask(path, more)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ type: 'about:blank', status })
  })
})

describe('the table of README.md', () => {
  const rows = [...readme.matchAll(/^\| [^|]+ \| ([^|]+)\| (\d{3}) +\|$/gm)]
  const expectations = rows.flatMap(([, kinds = '', status]) =>
    [...kinds.matchAll(/`(\w+)`/g)].map(([, kind = '']) => ({ kind, status: Number(status) })),
  )

  test.each(expectations)('has the right status for $kind', async ({ kind, status }) => {
    const handler = createExportHandler({
      verifier: { verify: () => refuse(kind as RefusalKind) },
      tenancy: { mode: 'single', tenant: { id: 'acme', name: 'acme' } },
      capability: 'exports:download',
      findExport: async () => undefined,
      store: createMemoryStore(),
    })
    const header = (name: string): string | undefined =>
      name === 'authorization' ? 'Bearer some-token' : undefined
    const { signal } = new AbortController()
    const answer = await handler.handle({ method: 'HEAD', params: {}, header, signal })
    expect(answer.status).toBe(status)
  })

  test('lists every kind', () => {
    const seen = new Set(expectations.map(({ kind }) => kind))
    expect([...seen].toSorted()).toEqual(Object.keys(statusOf).toSorted())
  })
})
