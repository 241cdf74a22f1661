import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { checkEndpoint, type CheckOptions, type Report } from '@sallyport/check'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { type Service, start } from '../../examples/shared/check-service.ts'
import { isHere } from '../../scripts/servers/available.ts'
import { type ProxyName, startProxy } from '../../scripts/servers/proxies.ts'
import { onlyBlock, root, textOf } from './blocks.ts'

// sallyport-check against both examples: directly, behind the proxies as behind-a-proxy.md configures them, and over HTTP/2.

const page = 'docs/behind-a-proxy.md'
const proxies = [
  ['nginx', 'nginx'],
  ['haproxy', 'haproxy'],
  ['varnish', 'vcl'],
  ['apache', 'apache'],
  ['caddy', 'caddyfile'],
  ['squid', 'squid'],
  ['lighttpd', 'lighttpd'],
] as const satisfies readonly (readonly [ProxyName, string])[]
const withTls = proxies.filter(([name]) => ['nginx', 'haproxy', 'caddy'].includes(name))

const examples = {
  'express-filesystem': {
    folder: '/api/audit-logs/export/',
    second: '8c0d2f5e-6a1b-4f0e-9d3c-5b7a1e2f4c60',
    foreign: 'c3b7d915-80ef-4a26-b5c4-7e1f9a0d6b38',
  },
  'koa-s3': {
    folder: '/user-action-audit-exports/',
    second: '7e52b8c1-04fd-4a96-b3d8-2c6f9a1e5d07',
    foreign: 'b9f4170e-6d83-4c2a-9e51-80a3c7d25f16',
  },
}

/** What did not pass, apart from checks that do not apply. */
const alarms = ({ checks }: Report): readonly string[] =>
  checks
    .filter(({ verdict }) => verdict === 'fail' || verdict === 'warn')
    .map(({ id, detail }) => `${id}: ${detail}`)

const skipped = ({ checks }: Report): readonly string[] =>
  checks.filter(({ verdict }) => verdict === 'skip').map(({ id }) => id)

const needTls = ['limits.retry-after', 'protocols.head', 'protocols.range']

/** Certificates for 127.0.0.1, where the table says. */
async function certify(): Promise<{ directory: string; ca: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'certificates-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const [cert, key] = [join(directory, 'exports.pem'), join(directory, 'exports.key')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=exports', '-addext', 'subjectAltName=IP:127.0.0.1']
  const { status, stderr } = spawnSync('openssl', [
    'req',
    '-x509',
    ...kind,
    ...names,
    '-keyout',
    key,
    '-out',
    cert,
  ])
  if (status !== 0) throw new Error(String(stderr))
  const ca = await readFile(cert, 'utf8')
  await writeFile(join(directory, 'exports-with-key.pem'), ca + (await readFile(key, 'utf8')))
  return { directory, ca }
}

/** The block of a proxy with its line of the table on TLS. */
function tlsConfig(name: string, config: string, directory: string): string {
  const row = new RegExp(`^\\| ${name} +\\| \`([^\`]+)\` +\\| \`([^\`]+)\``, 'im').exec(textOf(page))
  const [, plain = '', tls = ''] = row ?? []
  if (!config.includes(plain) || tls === '') throw new Error(`no line for ${name}`)
  return config.replace(plain, tls.replaceAll('/etc/ssl', directory).replace('{ tls', '{\n tls'))
}

describe.each(Object.entries(examples))('%s', (name, { folder, second, foreign }) => {
  let service: Service
  let config: (language: string) => string
  beforeAll(async () => {
    service = await start({ RATE_CAPACITY: '10000' }, join(root, `examples/${name}/server.ts`))
    config = (language) => onlyBlock(page, language).replaceAll('/exports/', folder)
    return async () => void (await service.end())
  })

  /** The URL of an export behind a proxy, or directly. */
  const urlOf = (id: string, origin = service.origin): string => `${origin}${folder}${id}/download`
  const all = (origin?: string): CheckOptions => ({
    token: service.jwt,
    headers: { 'X-Org-Name': service.organization },
    secondUrl: urlOf(second, origin),
    foreignUrl: urlOf(foreign, origin),
  })

  test('directly, to the last byte', async () => {
    const report = await checkEndpoint(service.url, { ...all(), full: true })
    expect(alarms(report)).toEqual([])
    expect(skipped(report)).toEqual(needTls)
  })

  test('a small export', async () => {
    expect(alarms(await checkEndpoint(urlOf(second), { ...all(), secondUrl: service.url }))).toEqual([])
  })

  test('by ticket, without a header', async () => {
    const headers = { authorization: `Bearer ${service.jwt}`, 'x-org-name': service.organization }
    const issued = await fetch(service.url.replace(/download$/, 'ticket'), { method: 'POST', headers })
    const { url } = (await issued.json()) as { readonly url: string }
    const report = await checkEndpoint(new URL(url, service.origin))
    expect(alarms(report)).toEqual([])
    expect(report.checks.find(({ id }) => id === 'authentication.wrong')).toMatchObject({
      verdict: 'pass',
      detail: '403',
    })
  })

  // `pnpm test:long` also asks the first example behind the others.
  for (const [proxyName, language] of name === 'koa-s3' || process.env['LONG_TESTS'] === undefined
    ? withTls
    : proxies)
    test.skipIf(!isHere(proxyName))(`behind ${proxyName}, as in the docs`, async () => {
      const proxy = await startProxy(proxyName, config(language), Number(new URL(service.origin).port))
      onTestFinished(() => proxy.close())
      const origin = `http://127.0.0.1:${proxy.port}`
      const report = await checkEndpoint(service.url.replace(service.origin, origin), all(origin))
      expect(alarms(report)).toEqual([])
      expect(skipped(report)).toEqual(['integrity.whole', 'integrity.content', ...needTls])
    })

  for (const [proxyName, language] of withTls)
    test.skipIf(!isHere(proxyName))(`by HTTP/2 behind ${proxyName}`, async () => {
      const { directory, ca } = await certify()
      const tls = tlsConfig(proxyName, config(language), directory)
      const proxy = await startProxy(proxyName, tls, Number(new URL(service.origin).port))
      onTestFinished(() => proxy.close())
      const origin = `https://127.0.0.1:${proxy.port}`
      const url = service.url.replace(service.origin, origin)
      const report = await checkEndpoint(url, { ...all(origin), ca, protocol: 'h2' })
      expect(alarms(report)).toEqual([])
      expect(report.protocols).toEqual(['HTTP/2', 'HTTP/1.1'])
      expect(skipped(report)).toEqual(['integrity.whole', 'integrity.content', 'limits.retry-after'])
      const byHttp1 = await checkEndpoint(url, { ...all(origin), ca, profile: 'generic' })
      expect(alarms(byHttp1)).toEqual([])
      expect(byHttp1.protocols).toEqual(['HTTP/1.1', 'HTTP/2'])
    })
})
