import { expect, test } from 'vitest'

import { blocks } from './blocks.ts'
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
