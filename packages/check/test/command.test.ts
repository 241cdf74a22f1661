import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { Ajv } from 'ajv'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import {
  type Decide,
  decideRightly,
  ids,
  refuse,
  type Running,
  startServer,
  token,
} from './servers/export-server.ts'
import { runCommand } from './servers/run-command.ts'

const schema: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../report.schema.json'), 'utf8'))
const validate = new Ajv({ strict: true }).compile(schema as object)
const env = { TOKEN: token }
const withToken = ['--token-env', 'TOKEN']

async function serverOf(decide: Decide): Promise<Running> {
  const server = await startServer(decide)
  onTestFinished(() => server.close())
  return server
}

describe('a right server', () => {
  let server: Running
  beforeAll(async () => {
    server = await startServer(decideRightly())
    return () => server.close()
  })

  test('as a process of its own: a table, exit status 0', async () => {
    const bin = join(import.meta.dirname, '../src/bin.ts')
    const child = spawn(process.execPath, [bin, server.url(ids.own), ...withToken], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const exit = once(child, 'exit')
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    expect([await exit, err]).toEqual([[0, null], ''])
    expect(out).toContain(server.url(ids.own))
    expect(out).toMatch(/^ {2}✓ ranges\.suffix +bytes 149900-149999\/150000$/m)
    expect(out).toMatch(/^PASS {2}\d+ passed, 0 warned, 0 failed, \d+ skipped; 33 requests, /m)
  })

  test('--json keeps its schema', async () => {
    const { status, stdout } = await runCommand([server.url(ids.own), ...withToken, '--json', '--full'], env)
    const report: unknown = JSON.parse(stdout)
    expect([status, validate(report), validate.errors]).toEqual([0, true, null])
    expect(report).toMatchObject({ verdict: 'pass', profile: 'sallyport', requests: 34, waitedMs: 0 })
  })

  test('--max-requests and --max-bytes end it early, and say so', async () => {
    const before = server.asked.length
    const few = await runCommand([server.url(ids.own), ...withToken, '--max-requests', '5'], env)
    expect([few.status, server.asked.length - before]).toEqual([0, 5])
    expect(few.stdout).toContain('the limit of 5 requests is reached')
    const little = await runCommand(
      [server.url(ids.own), ...withToken, '--max-bytes', '10KiB', '--json'],
      env,
    )
    const report = JSON.parse(little.stdout) as { readonly bytes: number }
    expect(report.bytes).toBeLessThan(10 * 1_024 + 65_536)
    expect(little.stdout).toContain('the limit of 10240 bytes is reached')
  })

  test('sends safe methods only, one request at a time, and the token to no other place', async () => {
    const before = server.asked.length
    await runCommand([server.url(ids.own), ...withToken, '--header', 'X-Org-Name: acme'], env)
    const asked = server.asked.slice(before)
    expect(new Set(asked.map(({ method }) => method))).toEqual(
      new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND']),
    )
    expect(new Set(asked.map(({ headers }) => headers['x-org-name']))).toEqual(new Set(['acme']))
  })
})

describe('a server that limits', () => {
  test.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 1_000).toUTCString()],
  ])('a 429 is waited for: %s', async (_, retryAfter) => {
    const right = decideRightly()
    const server = await serverOf((asked) =>
      asked.nth === 5 ? refuse(429, { 'retry-after': retryAfter() }) : right(asked),
    )
    const { status, stdout } = await runCommand([server.url(ids.own), ...withToken, '--json'], env)
    const report = JSON.parse(stdout) as {
      readonly checks: readonly { readonly id: string; readonly verdict: string }[]
    }
    expect(status).toBe(0)
    expect(report.checks.find(({ id }) => id === 'limits.retry-after')?.verdict).toBe('pass')
    const [limited, repeated] = server.asked.slice(4, 6)
    expect(repeated?.headers).toEqual(limited?.headers)
  })

  test('a wait that is too long ends the probe, not the check', async () => {
    const right = decideRightly()
    const server = await serverOf((asked) =>
      asked.method === 'HEAD' ? refuse(429, { 'retry-after': '3600' }) : right(asked),
    )
    const { status, stdout } = await runCommand([server.url(ids.own), ...withToken, '--max-wait', '2'], env)
    expect(status).toBe(0)
    expect(stdout).toMatch(/- methods\.head +the endpoint answers 429$/m)
  })
})

test('a reader that closes the pipe first gets no stack trace, and the exit status stays', async () => {
  const server = await serverOf(decideRightly())
  const bin = join(import.meta.dirname, '../src/bin.ts')
  const child = spawn(process.execPath, [bin, server.url(ids.own), ...withToken], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  const exit = once(child, 'exit')
  expect([await text(child.stderr), await exit]).toEqual(['', [0, null]])
})

test('a server that answers only 429 from some request on is left alone, and does not pass', async () => {
  const right = decideRightly()
  const server = await serverOf((asked) =>
    asked.nth < 3 ? right(asked) : refuse(429, { 'retry-after': '60' }),
  )
  const { status, stdout, stderr } = await runCommand(
    [server.url(ids.own), ...withToken, '--max-wait', '2'],
    env,
  )
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toContain('answers only 429 or 503 after 4 requests')
  expect(server.asked.length).toBe(4)
})

test('--expect-sha256 alone reads the whole export', async () => {
  const server = await serverOf(decideRightly({ fields: { 'repr-digest': undefined } }))
  const { status, stdout } = await runCommand(
    [server.url(ids.own), ...withToken, '--expect-sha256', '0'.repeat(64)],
    env,
  )
  expect(status).toBe(1)
  expect(stdout).toMatch(/✗ integrity\.content /)
})

describe('exit status 2, with a reason', () => {
  test.each<[string, Decide, string]>([
    [
      'a redirect',
      () => ({
        status: 302,
        headers: { location: `https://elsewhere.example/x?sig=${token}` },
        body: new Uint8Array(),
      }),
      'redirects (302) to https://elsewhere.example. ',
    ],
    ['a refused token', () => refuse(401), 'answers 401: the credentials are not accepted'],
    ['no such export', () => refuse(404), 'answers 404: the URL must be that of an export that exists'],
    ['an outage', () => refuse(502), 'answers 502 to GET'],
    [
      'no response',
      () => ({ status: 0, headers: {}, body: new Uint8Array() }),
      'no response: UND_ERR_SOCKET (the connection ended before the response)',
    ],
  ])('%s', async (_, decide, reason) => {
    const server = await serverOf(decide)
    const { status, stdout, stderr } = await runCommand(
      [server.url(ids.own), ...withToken, '--max-wait', '0'],
      env,
    )
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain(reason)
    expect(server.asked.length).toBeLessThan(3)
  })

  test.each<[string, readonly string[], string]>([
    ['no URL', [], 'exactly one URL is needed'],
    ['a word', ['exports'], 'url must be an absolute URL'],
    ['another scheme', ['ftp://h/x'], 'url must begin with http: or https:'],
    ['a password in the URL', ['http://u:hunter2@h/x'], 'url must not contain a user name or password'],
    [
      'an unset variable',
      ['http://h/x', '--token-env', token],
      '--token-env must name an environment variable that is set',
    ],
    ['a field without a colon', ['http://h/x', '--header', token], "--header must be 'Name: value'"],
    [
      'two tokens',
      ['http://h/x', '--token-env', 'TOKEN', '--header', 'Authorization: x'],
      'token must be absent if headers have Authorization',
    ],
    [
      'another origin',
      ['http://h/x', '--foreign-url', 'http://i/x'],
      'foreignUrl must have the origin of the checked URL',
    ],
    ['a profile', ['http://h/x', '--profile', 'strict'], '--profile must be sallyport or generic'],
    ['a size', ['http://h/x', '--max-bytes', '8MB'], '--max-bytes must be a number of bytes'],
    ['a file', ['http://h/x', '--ca', '/nonexistent/ca.pem'], '--ca must name a file that can be read'],
    [
      'a file of something else',
      ['https://h/x', '--ca', import.meta.filename],
      'ca must contain a certificate in PEM',
    ],
    ['HTTP/2 without TLS', ['http://h/x', '--http2'], 'protocol h2 needs an https: URL'],
    ['an unknown option', ['http://h/x', '--tokn-env=T'], "Unknown option '--tokn-env'"],
  ])('%s', async (_, args, reason) => {
    const { status, stderr } = await runCommand(args, env)
    expect(status).toBe(2)
    expect(stderr).toContain(reason)
    expect(stderr).not.toContain('hunter2')
    expect(stderr).not.toContain(token)
  })

  test('--help explains all options', async () => {
    const { status, stdout } = await runCommand(['--help'])
    expect(status).toBe(0)
    expect(stdout).toContain('--token-env NAME')
  })
})
