import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { createTestIssuer } from '@sallyport/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const packageFolder = join(import.meta.dirname, '..')
const readme = await readFile(join(packageFolder, 'README.md'), 'utf8')
const [, service = ''] = /## A Koa service\n\n```ts\n(.*?)```/s.exec(readme) ?? []

const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const table = 'at,actor\r\n2026-01-01,ann\r\n'

async function listen(answer: RequestListener): Promise<{ server: Server; origin: string }> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe('the Koa service of the README', () => {
  const signerOf = createTestIssuer()
  const servers: Server[] = []
  let child: ReturnType<typeof spawn>
  let issuer: string
  let origin: string

  beforeAll(async () => {
    const { jwks } = await signerOf
    const keys = await listen((_, response) => response.end(JSON.stringify(jwks)))
    const bucket = await listen((request, response) => {
      const found = request.url?.startsWith('/exports/acme/2026-05.csv?') === true
      response.writeHead(found ? 200 : 404, { ETag: '"1"', 'Content-Length': found ? table.length : 0 })
      response.end(found ? table : undefined)
    })
    servers.push(keys.server, bucket.server)
    issuer = keys.origin
    child = spawn(process.execPath, ['--conditions=@sallyport/source', '--input-type=module', '-'], {
      cwd: packageFolder,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        ...process.env,
        AWS_ENDPOINT_URL: bucket.origin,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'someone',
        AWS_SECRET_ACCESS_KEY: 'secret',
      },
    })
    const { stdin, stdout } = child
    if (!stdin || !stdout) throw new Error('the child has no pipes')
    const listening =
      "listen(0, '127.0.0.1', function () { console.log(`http://127.0.0.1:${this.address().port}`) })"
    stdin.end(service.replace('https://login.example.com', issuer).replace('listen(3000)', listening))
    const line = (await once(createInterface(stdout), 'line')) as [string]
    origin = line[0]
  }, 20_000)
  afterAll(() => {
    child.kill()
    for (const server of servers) server.close()
  })

  const ask = async (path: string, more: Record<string, string> = {}): Promise<Response> => {
    const token = await (await signerOf).token({ iss: issuer, scope: 'audit.read' })
    return fetch(new URL(path, origin), {
      headers: { authorization: `Bearer ${token}`, 'x-org-name': 'acme', ...more },
    })
  }

  test('has at most 26 lines', () => {
    expect(service.trimEnd().split('\n').length).toBeLessThanOrEqual(26)
    expect(service).toContain('listen(3000)')
  })

  test('downloads the object', async () => {
    const whole = await ask(`/exports/${id}/download`)
    expect([whole.status, await whole.text()]).toEqual([200, table])
  })

  test('leaves every URL that no route takes to the app', async () => {
    for (const path of ['/', '/healthz', `/exports/${id}`, `/exports/${id}/download/more`]) {
      const answer = await ask(path)
      expect([answer.status, await answer.text()]).toEqual([404, 'Not Found'])
    }
  })

  test.each([
    { what: 'no token', path: `/exports/${id}/download`, more: { authorization: '' }, status: 401 },
    {
      what: 'another organization',
      path: `/exports/${id}/download`,
      more: { 'x-org-name': 'b' },
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
    const answer = await ask(path, more)
    expect(answer.status).toBe(status)
    expect(Object.keys((await answer.json()) as object)).toContain('code')
  })
})
