import { PassThrough } from 'node:stream'

import { onTestFinished, expect, test } from 'vitest'

import { formatJunit } from '../src/report/junit.ts'
import type { Report } from '../src/report/report.ts'
import { formatTable } from '../src/report/table.ts'
import { type Decide, decideRightly, ids, type Reply, startServer, token } from './servers/export-server.ts'
import { runCommand } from './servers/run-command.ts'

// Servers that repeat what they get, wherever a report might show it.

const ticket = 'dGlja2V0LW9mLXRoZS10ZXN0LXRoYXQtbm9ib2R5LW1heS1yZWFk'
const cookie = 'c2Vzc2lvbi1vZi10aGUtdGVzdA'
const accessKey = 'a2V5LW9mLXRoZS10ZXN0'

/** Puts the request's credentials into every field that a check may quote. */
function repeat(reply: Reply, credentials: string): Reply {
  const names = [
    'etag',
    'last-modified',
    'content-type',
    'content-disposition',
    'cache-control',
    'repr-digest',
    'allow',
    'via',
    'server',
  ]
  const fields = Object.fromEntries<string>(names.map((name) => [name, credentials]))
  return {
    ...reply,
    headers: { ...reply.headers, ...fields },
    body: Buffer.from(`at x (${credentials}:1:1)\n`),
  }
}

const credentialsOf: (asked: Parameters<Decide>[0]) => string = ({ url, headers }) =>
  [
    headers.authorization,
    headers.cookie,
    headers['x-access-key'],
    url.search,
    url.searchParams.get('sig'),
    url.searchParams.get('X-Amz-Signature'),
  ].join(' ')

const right = decideRightly()
const servers: Readonly<Record<string, Decide>> = {
  'everything is repeated': (asked) =>
    repeat({ status: 200, headers: {}, body: new Uint8Array() }, credentialsOf(asked)),
  'refusals repeat it': (asked) => {
    const reply = right(asked)
    return asked.nth > 1 && reply.status >= 400
      ? repeat(reply, credentialsOf(asked))
      : { ...reply, status: asked.nth === 1 ? 200 : reply.status }
  },
  'a redirect to it': (asked) => ({
    status: 307,
    headers: { location: `/login?next=${credentialsOf(asked)}` },
    body: new Uint8Array(),
  }),
  'a redirect by path': (asked) => ({
    status: 307,
    headers: { location: `/${encodeURIComponent(credentialsOf(asked))}` },
    body: new Uint8Array(),
  }),
  'an error that repeats it': (asked) =>
    repeat({ status: 500, headers: {}, body: new Uint8Array() }, credentialsOf(asked)),
  'a broken response': () => ({ status: 0, headers: {}, body: new Uint8Array() }),
}

test.each(Object.entries(servers))('%s, and no output has it', async (_, decide) => {
  const server = await startServer(decide)
  onTestFinished(() => server.close())
  const ways: readonly (readonly string[])[] = [
    [
      server.url(ids.own),
      '--token-env',
      'TOKEN',
      '--header',
      `Cookie: session=${cookie}; theme=dark`,
      '--header',
      `X-Access-Key: ${accessKey}`,
    ],
    [`${server.url(ids.own)}?sig=${ticket}`],
    [`${server.url(ids.own)}?X-Amz-Credential=AKEXAMPLE%2F20261128&X-Amz-Signature=${ticket}`],
  ]
  for (const way of ways) {
    const { status, stdout, stderr } = await runCommand([...way, '--json'], { TOKEN: token })
    expect([0, 1, 2]).toContain(status)
    // The other formats are made from the same report.
    const report = stdout === '' ? undefined : (JSON.parse(stdout) as Report)
    const printed = [
      stdout,
      stderr,
      ...(report ? [formatTable(report, new PassThrough()), formatJunit(report)] : []),
    ].join('')
    expect(printed).not.toBe('')
    for (const secret of [token, ...token.split('.'), cookie, accessKey, ticket, 'AKEXAMPLE'])
      expect(printed).not.toContain(secret)
    expect(printed).not.toMatch(/\p{Cc}(?<!\n)/u)
  }
})

test('the server does repeat the token: without redaction it would be printed', async () => {
  const server = await startServer(servers['everything is repeated'] ?? right)
  onTestFinished(() => server.close())
  const { stdout } = await runCommand([server.url(ids.own), '--token-env', 'TOKEN'], { TOKEN: token })
  expect(stdout).toContain('ETag: Bearer [redacted]')
})
