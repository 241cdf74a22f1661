import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { buffer } from 'node:stream/consumers'

import { canHang, type HangingFolder, startHangingFolder } from '../../scripts/servers/hanging-folder.ts'
import { startBucket } from './check-bucket.ts'
import type { Check, Service } from './check-service.ts'
import {
  answersWith,
  headersFor,
  onlyId,
  pausedDownload,
  refusal,
  sha256,
  start,
  startInVain,
  withDirectory,
} from './check-service.ts'
import type { DevelopmentIssuer } from './development-issuer.ts'
import { startDevelopmentIssuer } from './development-issuer.ts'
import { tables } from './seed-catalogue.ts'

/** What differs between the services. */
export interface LifePlan {
  /** One export. */
  readonly sample: { readonly format: string; readonly content: string }
  /** The path of an export's download. */
  readonly path: (id: string) => string
  /** The body that says 503. */
  readonly unavailable: unknown
}

/** How the service starts, ends and refuses to start. */
export const lifeOf = ({ sample, path, unavailable }: LifePlan): readonly Check<void>[] => [
  {
    title: 'the eleventh download of ten is told to wait',
    run: async () => {
      const service = await start({ RATE_CAPACITY: '10', RATE_PER_SECOND: '0.001' })
      const statuses: number[] = []
      for (let request = 0; request < 11; request += 1) {
        const response = await fetch(service.url, { method: 'HEAD', headers: headersFor(service) })
        statuses.push(response.status)
      }
      assert.deepEqual(statuses, [...Array<number>(10).fill(200), 429])
      assert.equal(await service.end(), 0)
    },
  },
  {
    title: 'many requests a second are a rate',
    run: async () => {
      const service = await start({ RATE_CAPACITY: '1000000', RATE_PER_SECOND: '999999.999999' })
      const response = await fetch(service.url, { method: 'HEAD', headers: headersFor(service) })
      assert.equal(response.status, 200)
      assert.equal(await service.end(), 0)
      const other = await start({ RATE_PER_SECOND: '20' })
      assert.equal(await other.end(), 0)
    },
  },
  {
    title:
      'an export larger than the budget of bytes is served once, the next one is told to wait, HEAD is free',
    run: async () => {
      const service = await start({ BYTES_CAPACITY: '1', BYTES_PER_SECOND: '1' })
      const headers = headersFor(service)
      const expected = await readFile(service.file)
      const whole = await fetch(service.url, { headers })
      assert.equal(whole.status, 200)
      assert.match(
        whole.headers.get('ratelimit-policy') ?? '',
        /"principal-bytes";q=1;qu="content-bytes";w=1$/,
      )
      assert.equal(sha256(Buffer.from(await whole.arrayBuffer())), sha256(expected))
      const next = await fetch(service.url, { headers: { ...headers, range: 'bytes=0-0' } })
      const waitsSeconds = Number(next.headers.get('retry-after'))
      assert.equal(next.status, 429)
      assert(waitsSeconds > expected.length - 60 && waitsSeconds <= expected.length)
      assert.equal((await fetch(service.url, { method: 'HEAD', headers })).status, 200)
      assert.equal(await service.end(), 0)
      const { code, said } = await startInVain({ BYTES_CAPACITY: '1' })
      assert.equal(code, 1)
      assert.match(said, /^BYTES_PER_SECOND: /)
    },
  },
  {
    title: 'SIGTERM lets a running download end, refuses new ones, removes its files and exits 0',
    run: async () => {
      const service = await start()
      const expected = sha256(await readFile(service.file))
      const download = await pausedDownload(service)
      const ended = service.end()
      await answersWith(503, service)
      assert.equal((await fetch(`${service.origin}/readyz`)).status, 503)
      assert.equal(sha256(await buffer(download)), expected)
      assert.equal(await ended, 0)
      assert.equal(existsSync(service.file), false)
    },
  },
  {
    title: 'after DRAIN_MS a download that still runs is cut, not ended',
    run: async () => {
      const service = await start({ DRAIN_MS: '300' })
      const download = await pausedDownload(service)
      assert.equal(await service.end(), 0)
      await assert.rejects(buffer(download))
      assert.equal(download.complete, false)
      assert(service.lines.some((line) => line.includes('"outcome":"shut_down"')))
    },
  },
  {
    title: 'one organization needs no header',
    run: async () => {
      const service = await start({ TENANCY: 'initech' })
      const headers = { authorization: `Bearer ${service.jwt}` }
      assert.equal((await fetch(service.url, { method: 'HEAD', headers })).status, 200)
      assert.equal(await service.end(), 0)
    },
  },
  {
    title: 'real exports are not opened by the development issuer',
    run: withDirectory(sample, async (directory) => {
      const { code, said } = await startInVain({ EXPORTS_DIR: directory })
      assert.equal(code, 1)
      assert.match(said, /^OIDC_ISSUER: is missing/)
    }),
  },
  {
    title: 'unless it is asked for in so many words',
    run: withDirectory(sample, async (directory) => {
      const service = await start({ EXPORTS_DIR: directory, DEV_ISSUER: '1' })
      const response = await fetch(service.url, { headers: headersFor(service) })
      assert.equal(await response.text(), sample.content)
      assert.equal(await service.end(), 0)
      assert(existsSync(service.file))
    }),
  },
  {
    title: 'a bucket serves, below its prefix, by organization',
    run: withDirectory(sample, async (directory) => {
      const bucket = await startBucket('exports', { 'audit/v1': directory })
      const service = await start({
        S3_BUCKET: 'exports',
        S3_PREFIX: 'audit/v1',
        S3_ENDPOINT: bucket.url,
        AWS_ACCESS_KEY_ID: 'someone',
        AWS_SECRET_ACCESS_KEY: 'secret',
        DEV_ISSUER: '1',
        TENANCY: 'initech',
      })
      const url = `${service.origin}${path(onlyId)}`
      const headers = { authorization: `Bearer ${service.jwt}` }
      const whole = await fetch(url, { headers })
      const part = await fetch(url, { headers: { ...headers, range: 'bytes=3-8' } })
      assert.deepEqual([whole.status, await whole.text()], [200, sample.content])
      assert.deepEqual([part.status, await part.text()], [206, sample.content.slice(3, 9)])
      assert.equal((await fetch(url.replace('2f1c', '3f1c'), { headers })).status, 404)
      assert.equal(await service.end(), 0)
      await bucket.end()
    }),
  },
  {
    title: 'one caller that does not read leaves connections to the bucket for others',
    run: async () => {
      const bucket = createServer((request, response) => {
        response.writeHead(200, { ETag: '"1"', 'Content-Length': 1_000_000_000 })
        if (request.method === 'HEAD') response.end()
        else response.write('the first bytes of many')
      }).listen(0, '127.0.0.1')
      await once(bucket, 'listening')
      const service = await start({
        S3_BUCKET: 'exports',
        S3_ENDPOINT: `http://127.0.0.1:${(bucket.address() as AddressInfo).port}`,
        AWS_ACCESS_KEY_ID: 'someone',
        AWS_SECRET_ACCESS_KEY: 'secret',
        DEV_ISSUER: '1',
        DRAIN_MS: '0',
        TENANCY: 'initech',
      })
      const url = `${service.origin}${path(onlyId)}`
      const headers = { authorization: `Bearer ${service.jwt}` }
      const downloads = await Promise.all(Array.from({ length: 16 }, () => fetch(url, { headers })))
      const countOf = (status: number): number =>
        downloads.filter((download) => download.status === status).length
      assert.deepEqual([countOf(200), countOf(429)], [10, 6])
      assert.equal(await service.end(), 0)
      await Promise.allSettled(downloads.map((download) => download.text()))
      bucket.closeAllConnections()
      await new Promise((resolve) => bucket.close(resolve))
    },
  },
  {
    title: 'without its Redis it counts by itself, says so once, and serves',
    run: async () => {
      const service = await start({ REDIS_URL: 'redis://127.0.0.1:1', DEV_ISSUER: '1', RATE_CAPACITY: '2' })
      const statuses: number[] = []
      for (let request = 0; request < 3; request += 1) {
        const response = await fetch(service.url, { method: 'HEAD', headers: headersFor(service) })
        statuses.push(response.status)
      }
      assert.deepEqual(statuses, [200, 200, 429])
      assert.equal(await service.end(), 0)
      assert.equal(service.lines.filter((line) => line.includes('"code":"limiter_local"')).length, 1)
    },
  },
  {
    title: 'an exports directory that is gone is 503 and one event that says so, without its path',
    run: withDirectory(sample, async (directory) => {
      const service = await start({ EXPORTS_DIR: directory, DEV_ISSUER: '1' })
      await rm(directory, { recursive: true })
      const answer = await refusal(service.url, { headers: headersFor(service) })
      assert.deepEqual(answer, [503, unavailable])
      assert.equal(await service.end(), 0)
      assert.equal(service.lines.filter((line) => line.includes('"type":"trouble"')).length, 1)
      assert.equal(
        service.lines.slice(5).some((line) => line.includes(directory)),
        false,
      )
    }),
  },
  {
    title: 'a catalogue decides what is served, whatever files there are',
    run: withDirectory(sample, async (directory) => {
      const catalogue = await makeCatalogue(directory, sample.format)
      const service = await start({ EXPORTS_DIR: directory, CATALOGUE: catalogue, DEV_ISSUER: '1' })
      const headers = headersFor(service)
      const ask = async (id: string): Promise<[number, string]> => {
        const response = await fetch(`${service.origin}${path(id)}`, { headers })
        return [response.status, await response.text()]
      }
      assert.deepEqual(await ask(ids.ready), [200, sample.content])
      for (const id of [ids.pending, ids.expired, ids.foreign, onlyId]) assert.equal((await ask(id))[0], 404)
      const outside = await ask(ids.outside)
      assert.equal(outside[0], 502)
      assert.equal(await service.end(), 0)
      const kinds = service.lines.flatMap((line) => /"kind":"(\w+)"/.exec(line)?.[1] ?? [])
      assert.deepEqual(kinds, [
        'export_pending',
        'export_expired',
        'export_not_found',
        'export_not_found',
        'upstream_error',
      ])
      assert(service.lines.some((line) => line.includes('"tenantId":"tenant-7"')))
    }),
  },
  {
    title: 'a disk that hangs stops no login, and heals',
    ...(!canHang() && { skipped: 'needs root, /dev/fuse and bindfs' }),
    run: withDirectory(sample, hang),
  },
  {
    title: 'a database that does not answer is 503, and holds up nobody else',
    run: withDirectory(sample, async (directory) => {
      const catalogue = await makeCatalogue(directory, sample.format)
      const service = await start({ EXPORTS_DIR: directory, CATALOGUE: catalogue, DEV_ISSUER: '1' })
      const other = new DatabaseSync(catalogue)
      other.exec('BEGIN EXCLUSIVE')
      let isAnswered = false
      const refused = fetch(`${service.origin}${path(ids.ready)}`, { headers: headersFor(service) }).then(
        ({ status }) => {
          isAnswered = true
          return status
        },
      )
      for (let nth = 0; nth < 5; nth += 1)
        assert.equal((await fetch(`${service.origin}/healthz`)).status, 200)
      assert.equal(isAnswered, false)
      assert.equal(await refused, 503)
      other.close()
      await answersWith(404, service)
      assert.equal(await service.end(), 0)
    }),
  },
  {
    title: 'a catalogue that is none ends the start with 1 and its name',
    run: withDirectory(sample, async (directory) => {
      const { code, said } = await startInVain({
        EXPORTS_DIR: directory,
        CATALOGUE: join(directory, 'secret-name.db'),
        DEV_ISSUER: '1',
      })
      assert.equal(code, 1)
      assert.match(said, /^CATALOGUE: /)
      assert.doesNotMatch(said, /secret-/)
    }),
  },
  {
    title: 'one organization that the catalogue does not know ends the start with 1',
    run: withDirectory(sample, async (directory) => {
      const CATALOGUE = await makeCatalogue(directory, sample.format)
      const { code, said } = await startInVain({
        EXPORTS_DIR: directory,
        CATALOGUE,
        DEV_ISSUER: '1',
        TENANCY: 'x',
      })
      assert.equal(code, 1)
      assert.match(said, /^TENANCY: /)
    }),
  },
  {
    title: 'every wrong variable is named, and no value is shown',
    run: async () => {
      const { code, said } = await startInVain({
        DRAIN_MS: 'soon',
        EXPORTS_DIR: '/secret-place',
        INTROSPECTION_CLIENT_SECRET: 'secret-word',
        JWKS_URI: 'http://secret-host.example/keys',
        LOG_LEVEL: 'secret-level',
        METRICS_PORT: 'secret-port',
        OIDC_ISSUER: 'https://secret-issuer.example',
        RATE_PER_SECOND: '0',
        BYTES_CAPACITY: 'secret-size',
        REDIS_URL: 'https://secret-redis.example',
        S3_PREFIX: 'secret-prefix',
        TICKET_KEYS: 'secret-key:too-short',
        TICKET_START_MS: '5',
      })
      const named = said
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(0, line.indexOf(':')))
      assert.equal(code, 1)
      assert.deepEqual(
        named.toSorted((a, b) => a.localeCompare(b)),
        [
          'BYTES_CAPACITY',
          'BYTES_PER_SECOND',
          'DRAIN_MS',
          'INTROSPECTION_CLIENT_ID',
          'JWKS_URI',
          'LOG_LEVEL',
          'METRICS_PORT',
          'OIDC_AUDIENCE',
          'RATE_PER_SECOND',
          'REDIS_URL',
          'S3_BUCKET',
          'TICKET_KEYS',
          'TICKET_START_MS',
        ],
      )
      assert.doesNotMatch(said, /secret-/)
    },
  },
  {
    title: 'without JWKS_URI and INTROSPECTION_URI, keys and introspection are discovered',
    run: withIssuer(sample, async (issuer, variables) => {
      const service = await start(variables, 'server.ts', 'listening ')
      assert.deepEqual(await verdicts(service, path, issuer), { ready: 200, jwt: 200, opaque: 200 })
      assert.equal(await service.end(), 0)
    }),
  },
  {
    title: 'OIDC_ISSUER and OIDC_AUDIENCE alone: JWTs, by discovered keys',
    run: withIssuer(sample, async (issuer, { EXPORTS_DIR = '', OIDC_ISSUER = '', OIDC_AUDIENCE = '' }) => {
      const service = await start({ EXPORTS_DIR, OIDC_ISSUER, OIDC_AUDIENCE }, 'server.ts', 'listening ')
      assert.deepEqual(await verdicts(service, path, issuer), { ready: 200, jwt: 200, opaque: 401 })
      assert.equal(await service.end(), 0)
    }),
  },
  {
    title: 'INTROSPECTION_URI without JWKS_URI: every token is introspected',
    run: withIssuer(sample, async (issuer, variables) => {
      const endpoint = { INTROSPECTION_URI: issuer.identity.introspection?.endpoint?.href ?? '' }
      const service = await start({ ...variables, ...endpoint }, 'server.ts', 'listening ')
      // The issuer introspects its opaque token alone.
      assert.deepEqual(await verdicts(service, path, issuer), { ready: 200, jwt: 401, opaque: 200 })
      assert.equal(await service.end(), 0)
    }),
  },
  {
    title: 'an issuer that nothing can be discovered from ends the start with 1',
    run: async () => {
      for (const [issuer, more] of [
        ['secret-issuer', {}],
        ['http://secret-host.example', {}],
        ['https://secret-host.example/?secret', {}],
        ['secret-issuer', { INTROSPECTION_CLIENT_ID: 'us', INTROSPECTION_CLIENT_SECRET: 'secret-word' }],
      ] as const) {
        const identity = { OIDC_ISSUER: issuer, OIDC_AUDIENCE: 'exports', ...more }
        const { code, said } = await startInVain({ EXPORTS_DIR: '/exports', ...identity })
        assert.equal(code, 1)
        assert.match(said, /^OIDC_ISSUER: write an https URL/)
        assert.doesNotMatch(said, /secret-/)
      }
    },
  },
  {
    title: 'the development issuer is not for production',
    run: async () => {
      const { code, said } = await startInVain({ NODE_ENV: 'production', DEV_ISSUER: '1' })
      assert.equal(code, 1)
      assert.match(said, /^OIDC_ISSUER: /)
    },
  },
  {
    title: 'nor for other hosts',
    run: async () => {
      const { code, said } = await startInVain({ HOST: '0.0.0.0' })
      assert.equal(code, 1)
      assert.match(said, /^HOST: /)
    },
  },
]

/** Hands over an issuer with metadata, and the variables of a service that discovers what it needs there. */
const withIssuer = (
  sample: LifePlan['sample'],
  run: (issuer: DevelopmentIssuer, variables: Readonly<Record<string, string>>) => Promise<void>,
): (() => Promise<void>) =>
  withDirectory(sample, async (directory) => {
    const issuer = await startDevelopmentIssuer(['initech'], 'exports:download audit.read')
    const { introspection } = issuer.identity
    assert(introspection)
    await run(issuer, {
      EXPORTS_DIR: directory,
      OIDC_ISSUER: issuer.identity.issuer,
      OIDC_AUDIENCE: issuer.identity.audience,
      INTROSPECTION_CLIENT_ID: introspection.clientId,
      INTROSPECTION_CLIENT_SECRET: introspection.clientSecret,
    })
  })

/** The statuses of `/readyz` and of a download with each kind of token. */
async function verdicts(
  { origin }: Service,
  path: LifePlan['path'],
  { jwt, opaque }: DevelopmentIssuer,
): Promise<{ readonly ready: number; readonly jwt: number; readonly opaque: number }> {
  const statusWith = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}`, 'x-org-name': 'initech' }
    return (await fetch(origin + path(onlyId), { method: 'HEAD', headers })).status
  }
  return {
    ready: (await fetch(`${origin}/readyz`)).status,
    jwt: await statusWith(jwt),
    opaque: await statusWith(opaque),
  }
}

/** Eight organizations' downloads hang on their disk. Then a token whose signature is wrong must still be refused soon. */
async function hang(directory: string): Promise<void> {
  const names = Array.from({ length: 8 }, (_, nth) => `other-${nth}`)
  for (const name of names) await cp(join(directory, 'initech'), join(directory, name), { recursive: true })
  const folder = await startHangingFolder(directory)
  try {
    await hangBelow(folder, names)
  } finally {
    await folder.end()
  }
}

async function hangBelow(folder: HangingFolder, names: readonly string[]): Promise<void> {
  const service = await start({ EXPORTS_DIR: folder.path, DEV_ISSUER: '1' })
  await answersWith(200, service)
  folder.hang()
  const leaving = new AbortController()
  const downloads = names.map((name) =>
    fetch(service.url, { headers: headersFor(service, { 'x-org-name': name }), signal: leaving.signal }),
  )
  const hanging = Promise.allSettled(downloads)
  const [head, claims] = service.jwt.split('.')
  const forged = `Bearer ${head}.${claims}.${Buffer.alloc(256, 7).toString('base64url')}`
  for (let nth = 0; nth < 5; nth += 1) {
    const headers = headersFor(service, { authorization: forged })
    const { status } = await fetch(service.url, { headers, signal: AbortSignal.timeout(5_000) })
    assert.equal(status, 401)
  }
  leaving.abort()
  assert(((await hanging) as { status: string }[]).every(({ status }) => status === 'rejected'))
  folder.goOn()
  await answersWith(200, service)
  assert.equal(await service.end(), 0)
}

const ids = {
  ready: '00000000-0000-4000-8000-000000000001',
  pending: '00000000-0000-4000-8000-000000000002',
  expired: '00000000-0000-4000-8000-000000000003',
  foreign: '00000000-0000-4000-8000-000000000004',
  outside: '00000000-0000-4000-8000-000000000005',
}

/** A catalogue of the one file in the directory, under another id than its name says, and of exports that are not served. */
async function makeCatalogue(directory: string, format: string): Promise<string> {
  const path = join(directory, 'catalogue.db')
  const database = new DatabaseSync(path)
  database.exec(tables)
  database.exec("INSERT INTO organizations VALUES ('tenant-7', 'initech'), ('tenant-8', 'globex')")
  const add = database.prepare('INSERT INTO exports VALUES (?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, ?)')
  const key = `${onlyId}.${format}`
  add.run(ids.ready, 'tenant-7', key, format, 'ready', '2999-01-01T00:00:00Z')
  add.run(ids.pending, 'tenant-7', key, format, 'pending', null)
  add.run(ids.expired, 'tenant-7', key, format, 'ready', 1_000)
  add.run(ids.foreign, 'tenant-8', `../initech/${key}`, format, 'ready', null)
  add.run(ids.outside, 'tenant-7', `../initech/${key}`, format, 'ready', null)
  database.close()
  return path
}
