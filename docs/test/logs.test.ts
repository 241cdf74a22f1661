import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { isHere } from '../../scripts/servers/available.ts'
import { startProxy } from '../../scripts/servers/proxies.ts'
import { blocks, onlyBlock } from './blocks.ts'
import { runModule } from './run.ts'

// The loggers of events.md, set as it says, print no token, no cookie and no query.

const loggers = blocks.filter(({ document, given }) => document === 'docs/events.md' && given.includes('app'))

const around = (code: string): string => `
import express from 'express'
const app = express()
${code}
app.use((request, response) => { response.setHeader('X-Request-Id', 'the-id'); response.setHeader('Location', '/download?sig=secret-ticket'); response.end('done') })
app.listen(0, '127.0.0.1', function () { console.log('http://127.0.0.1:' + this.address().port) })
`

test('there are two', () => {
  expect(loggers).toHaveLength(2)
})

test.each(loggers)('$title', { timeout: 20_000 }, async ({ code }) => {
  const service = await runModule(around(code))
  const headers = {
    Authorization: 'Bearer secret-token',
    Cookie: 'session=secret-cookie',
    'X-Org-Name': 'secret-org',
    Referer: 'https://example.com/?secret-referer',
  }
  await (await fetch(`${service.line}/exports/1/download?token=secret-query`, { headers })).text()
  await expect.poll(() => service.lines.length, { timeout: 5_000 }).toBeGreaterThan(1)
  await service.end()
  const logged = service.lines.slice(1).join('\n')
  expect(logged).toContain('/exports/1/download')
  expect(logged).not.toContain('secret')
})

test.skipIf(!isHere('nginx'))('the log format of nginx in browsers.md prints no query', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-logs-'))
  const file = join(folder, 'access.log')
  const origin = createServer((_, response) => response.setHeader('X-Request-Id', 'the-id').end('done'))
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  const [format = '', log = ''] = onlyBlock('docs/browsers.md', 'nginx').trim().split('\n')
  const config = `events {}
http {
${format}
server { listen 8080; ${log.replace('access.log', file)} location / { proxy_pass http://127.0.0.1:3000; } }
}`
  const proxy = await startProxy('nginx', config, (origin.address() as AddressInfo).port)
  try {
    await (await fetch(`http://127.0.0.1:${proxy.port}/exports/1/download?sig=secret-ticket`)).text()
    await expect
      .poll(() => readFile(file, 'utf8'), { timeout: 5_000 })
      .toContain('"GET /exports/1/download" 200')
    const text = await readFile(file, 'utf8')
    expect(text).toContain('the-id')
    expect(text).not.toContain('secret')
  } finally {
    await proxy.close()
    origin.close()
    await rm(folder, { recursive: true, force: true })
  }
})
