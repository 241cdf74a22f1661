import { codedErrors, createMemoryLimiter, refuse } from '@sallyport/core'
import { describe, expect, test } from 'vitest'

import { type Changes, openContractB, pathOf, type Row } from './contract-b.ts'
import { secrets } from './fake-s3.ts'

interface Asked {
  readonly row?: Row
  readonly path?: string
  readonly method?: string
  readonly claims?: Record<string, unknown>
  readonly headers?: Record<string, string | undefined>
  readonly changes?: Changes
  /** Asks so many times; the last answer counts. */
  readonly times?: number
}

async function ask({
  row = 'csv',
  path,
  method = 'GET',
  claims,
  headers,
  changes,
  times = 1,
}: Asked): Promise<Response> {
  const { url, token } = await openContractB(changes)
  const sent = { authorization: `Bearer ${await token(claims)}`, 'x-org-name': 'acme', ...headers }
  const given = new Headers()
  for (const [name, value] of Object.entries(sent)) if (value !== undefined) given.set(name, value)
  const request = (): Promise<Response> =>
    fetch(new URL(path ?? pathOf(row), url), { method, headers: given })
  for (let nth = 1; nth < times; nth++) await (await request()).arrayBuffer()
  return request()
}

/** Everything that came, as one text. */
const overheard = (answer: Response, body: string): string =>
  [answer.status, answer.statusText, ...[...answer.headers].map((pair) => pair.join(': ')), body].join('\n')

const unauthorized = { code: 'unauthorized', message: 'Authentication required.' }
const invalid = { code: 'invalid_request', message: 'The request is invalid.' }
const missingCapability = {
  code: 'forbidden_capability_scope',
  details: { reason: 'missing_capability' },
  message: 'Insufficient capability for this operation.',
}
const missingScope = {
  code: 'forbidden_capability_scope',
  details: { reason: 'missing_scope' },
  message: 'The resource is outside the permitted scope.',
}
const notFound = (reason = 'export_not_found'): object => ({
  code: 'export_not_found',
  details: { reason },
  message: 'The audit export file is not available for download.',
})
const upstream = { code: 'upstream_error', message: 'An upstream service returned an unexpected error.' }
const unavailable = {
  code: 'temporarily_unavailable',
  details: { reason: 'service_temporarily_unavailable' },
  message: 'Service is temporarily unavailable.',
}
const onceIn5s = (): Changes => ({
  limits: {
    perPrincipal: { capacity: 1, refill: 1, perMs: 5_000 },
    limiter: createMemoryLimiter({ now: () => 0 }),
  },
})

describe('200', () => {
  test.each<[Row, string, string, string]>([
    ['csv', 'text/csv; charset=utf-8', '.csv', 'at,actor,action\n2026-01-01T00:00:00Z,ann,role.grant\n'],
    [
      'json',
      'application/json',
      '.json',
      '[{"at":"2026-01-01T00:00:00Z","actor":"ann","action":"role.grant"}]\n',
    ],
  ])('a %s artefact, byte for byte', async (row, type, extension, bytes) => {
    const answer = await ask({ row })
    expect([answer.status, await answer.text()]).toEqual([200, bytes])
    expect(answer.headers.get('content-type')).toBe(type)
    expect(answer.headers.get('content-length')).toBe(String(bytes.length))
    expect(answer.headers.get('content-disposition')).toMatch(
      new RegExp(`^attachment; filename="export-[\\w-]+\\${extension}"`),
    )
  })
})

describe.each<[status: number, body: object, cases: readonly (Asked & { readonly title: string })[]]>([
  [
    400,
    invalid,
    [
      { title: 'an id that is no UUID', path: pathOf({ id: 'nope' }) },
      { title: 'an id that cannot be decoded', path: pathOf({ id: '%zz' }) },
      { title: 'a path with an additional segment', path: `${pathOf('csv')}/x.css` },
      { title: 'no organization', headers: { 'x-org-name': undefined } },
      { title: 'an organization that is no name', headers: { 'x-org-name': 'a b' } },
    ],
  ],
  [
    400,
    { ...invalid, details: { reason: 'unsupported_api_version' } },
    [{ title: 'an unknown version', headers: { 'x-api-version': 'v9' } }],
  ],
  [
    401,
    unauthorized,
    [
      { title: 'no credentials', headers: { authorization: undefined } },
      { title: 'another scheme', headers: { authorization: 'Basic YTpi' } },
      { title: 'a token that is none', headers: { authorization: 'Bearer nobody' } },
      { title: 'malformed credentials', headers: { authorization: 'Bearer a b' } },
      { title: 'an expired token', claims: { exp: 1 } },
      { title: 'a token for somebody else', claims: { aud: 'another' } },
    ],
  ],
  [
    403,
    missingCapability,
    [
      { title: 'no capability', claims: { capabilities: [] } },
      { title: 'a capability whose name holds it', claims: { capabilities: ['audit.read.all', 'audit'] } },
      {
        title: 'no capability, for a missing export',
        row: 'missing',
        claims: { capabilities: [] },
      },
    ],
  ],
  [
    403,
    missingScope,
    [
      { title: 'an export beyond the permitted scope', row: 'beyond' },
      { title: 'no permitted scope at all', claims: { permitted: [] } },
      { title: 'an organization that the token does not name', headers: { 'x-org-name': 'globex' } },
    ],
  ],
  [
    404,
    notFound(),
    [
      { title: 'a missing export', row: 'missing' },
      { title: "another organization's", row: 'foreign' },
      { title: 'one that is not ready', row: 'pending' },
      { title: 'one that failed', row: 'failed' },
      { title: 'one that has expired', row: 'expired' },
      { title: 'one whose object is gone', row: 'gone' },
      {
        title: 'one beyond the permitted scope, where the host hides it',
        row: 'beyond',
        changes: { hideBeyondScope: true },
      },
    ],
  ],
  [
    429,
    { code: 'rate_limited', details: { retry_after_ms: 5_000 }, message: 'Too many requests.' },
    [{ title: 'a used-up quota', times: 2, changes: onceIn5s() }],
  ],
  [
    502,
    upstream,
    [
      { title: 'a store that denies us', row: 'denied' },
      { title: 'a bucket that is not there', row: 'no-bucket' },
      { title: 'a bucket that is elsewhere', row: 'elsewhere' },
      { title: "a gateway's page for an object", row: 'page' },
      { title: 'an object that is not the recorded one', row: 'larger' },
    ],
  ],
  [
    503,
    unavailable,
    [
      { title: 'a store that asks to slow down', row: 'slow-down' },
      { title: 'a store that fails', row: 'broken' },
      { title: 'a store that hangs up', row: 'cut-off' },
      {
        title: 'a catalogue that fails',
        changes: { findExport: () => Promise.reject(new Error('secret-bucket')) },
      },
      { title: 'a service that drains', changes: { drained: true } },
    ],
  ],
  // Beyond the published ones.
  [
    405,
    { code: 'method_not_allowed', message: 'The method is not allowed here.' },
    [{ title: 'another method', method: 'DELETE' }],
  ],
  [
    412,
    { code: 'precondition_failed', message: 'A precondition of the request is false.' },
    [{ title: 'another ETag', headers: { 'if-match': '"other"' } }],
  ],
  [
    416,
    { code: 'range_not_satisfiable', message: 'The requested range cannot be served.' },
    [{ title: 'a range past the end', headers: { range: 'bytes=900-' } }],
  ],
])('%i %o', (status, body, cases) => {
  test.each(cases)('$title', async (asked) => {
    const answer = await ask(asked)
    const text = await answer.text()
    expect([answer.status, JSON.parse(text)]).toEqual([status, body])
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('retry-after') !== null).toBe([429, 503].includes(status))
    expect(secrets.filter((secret) => overheard(answer, text).includes(secret))).toEqual([])
  })
})

test('the header and the body have the same wait, in two versions', async () => {
  const answers = await Promise.all([2, 3].map((times) => ask({ times, changes: onceIn5s() })))
  expect(answers.map(({ headers }) => headers.get('retry-after'))).toEqual(['5', '5'])
})

test('nothing of the store shows in the response of a whole export', async () => {
  const answer = await ask({})
  const all = overheard(answer, await answer.text())
  expect(secrets.filter((secret) => all.includes(secret))).toEqual([])
  expect(all).not.toMatch(/x-amz|report\.csv|amazon/i)
})

describe('the state of an export, revealed to polling callers', () => {
  test.each<[Row, string, string | null]>([
    ['pending', 'export_not_ready', '5'],
    ['failed', 'export_failed', null],
    ['expired', 'export_expired', null],
    ['gone', 'export_not_found', null],
    ['missing', 'export_not_found', null],
    ['foreign', 'export_not_found', null],
  ])('%s gives %s, Retry-After: %s', async (row, reason, wait) => {
    const answer = await ask({ row, changes: { revealState: true } })
    expect([answer.status, await answer.json()]).toEqual([404, notFound(reason)])
    expect(answer.headers.get('retry-after')).toBe(wait)
  })

  test.each<[revealState: boolean, wait: string | null]>([
    [true, '30'],
    [false, null],
  ])('the host may set the wait; with revealState %s, Retry-After is %s', async (revealState, wait) => {
    const findExport = async (): Promise<never> => refuse('export_pending', { retryAfterMs: 30_000 })
    const answer = await ask({ changes: { revealState, findExport } })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([404, wait])
  })

  test('but not to callers without permission', async () => {
    const changes = { revealState: true }
    const refused = await Promise.all([
      ask({ row: 'pending', changes, claims: { capabilities: [] } }),
      ask({ row: 'pending', changes, claims: { permitted: [] } }),
      ask({ row: 'pending', changes, headers: { 'x-org-name': 'globex' } }),
    ])
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403])
    expect(refused.map(({ headers }) => headers.get('retry-after'))).toEqual([null, null, null])
  })
})

describe('versions', () => {
  const versions = {
    v1: {
      errors: codedErrors(),
      deprecated: new Date('2026-01-01T00:00:00Z'),
      sunset: new Date('2026-12-31T23:59:59Z'),
      links: {
        deprecation: 'https://docs.test/v1',
        sunset: 'https://docs.test/v1#sunset',
        'successor-version': 'https://docs.test/v2',
      },
    },
    v2: { errors: codedErrors() },
  }
  const fields = async (asked: Asked): Promise<(string | null)[]> => {
    const { headers } = await ask(asked)
    return ['x-api-version', 'deprecation', 'sunset', 'link'].map((name) => headers.get(name))
  }
  const old = [
    'v1',
    '@1767225600',
    'Thu, 31 Dec 2026 23:59:59 GMT',
    '<https://docs.test/v1>; rel="deprecation", <https://docs.test/v1#sunset>; rel="sunset", <https://docs.test/v2>; rel="successor-version"',
  ]

  test.each<[string, Asked]>([
    ['200', {}],
    ['304', { headers: { 'if-none-match': '*' } }],
    ['400', { path: pathOf({ id: 'nope' }) }],
    ['401', { headers: { authorization: undefined } }],
    ['403', { row: 'beyond' }],
    ['404', { row: 'missing' }],
    ['405', { method: 'PUT' }],
    ['502', { row: 'denied' }],
    ['503', { row: 'broken' }],
    ['OPTIONS', { method: 'OPTIONS' }],
  ])('a deprecated one is announced with %s', async (_, asked) => {
    expect(await fields({ ...asked, changes: { versions } })).toEqual(old)
  })

  test('a current one is echoed, without other fields', async () => {
    expect(await fields({ headers: { 'x-api-version': 'v2' }, changes: { versions } })).toEqual([
      'v2',
      null,
      null,
      null,
    ])
  })

  test('an unknown one, and one past its sunset, is refused', async () => {
    const later = { versions, defaultVersion: 'v2', now: (): number => Date.UTC(2027, 0, 1) }
    const claims = { exp: 4_102_444_800 }
    for (const version of ['v1', 'v9', 'V2', '${jndi:ldap://x}']) {
      const answer = await ask({ claims, headers: { 'x-api-version': version }, changes: later })
      expect(await answer.json()).toEqual({ ...invalid, details: { reason: 'unsupported_api_version' } })
      expect([answer.status, answer.headers.get('x-api-version')]).toEqual([400, null])
    }
  })
})
