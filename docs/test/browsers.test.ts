import { describe, expect, test } from 'vitest'

import { blocks } from './blocks.ts'
import { runModule } from './run.ts'

// The CORS set-ups of browsers.md, run: both routes, preflight included.

const setups = blocks.filter(
  ({ document, code }) => document === 'docs/browsers.md' && code.includes('cors({'),
)
const id = '0f0e0d0c-0b0a-4908-8706-050403020100'
const around = (code: string): string => `
import { createExportHandler, createTickets, refuse } from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'
const handler = createExportHandler({
  verifier: {
    verify: async (token) => token === 'good'
      ? { issuer: 'i', subject: 's', organizations: ['acme'], capabilities: ['d'], claims: {} }
      : refuse('token_invalid'),
  },
  tenancy: { mode: 'multi', findTenant: async (name) => ({ id: name, name }) },
  capability: 'd',
  findExport: async () => ({ id: '${id}', tenantId: 'acme', key: 'k', format: 'csv', state: 'ready' }),
  store: createMemoryStore({ k: 'a,b' }),
  tickets: createTickets({ keys: [{ id: 'a', secret: crypto.getRandomValues(new Uint8Array(32)) }] }),
})
${code}
app.listen(0, '127.0.0.1', function () { console.log('http://127.0.0.1:' + this.address().port) })
`

test('there are two', () => {
  expect(setups).toHaveLength(2)
})

describe.each(setups)('$title', { timeout: 20_000 }, ({ code }) => {
  const origin = 'https://app.example.com'
  const token = { Authorization: 'Bearer good', 'X-Org-Name': 'acme', Origin: origin }
  const read = (response: Response, name: string): string => response.headers.get(name) ?? ''

  test('a page of another origin gets a ticket, and its download', async () => {
    const service = await runModule(around(code))
    try {
      for (const [route, method] of [
        ['ticket', 'POST'],
        ['download', 'GET'],
      ] as const) {
        const url = `${service.line}/exports/${id}/${route}`
        const asked = {
          Origin: origin,
          'Access-Control-Request-Method': method,
          'Access-Control-Request-Headers': 'authorization,x-org-name',
        }
        const preflight = await fetch(url, { method: 'OPTIONS', headers: asked })
        expect({
          route,
          status: preflight.status,
          origin: read(preflight, 'access-control-allow-origin'),
        }).toEqual({ route, status: 204, origin })
        expect(read(preflight, 'access-control-allow-headers').toLowerCase()).toContain('authorization')
        expect(read(preflight, 'access-control-allow-methods')).toContain(method)

        const answer = await fetch(url, { method, headers: token })
        expect(answer.status).toBe(method === 'POST' ? 201 : 200)
        expect(read(answer, 'access-control-allow-origin')).toBe(origin)
        expect(read(answer, 'vary').split(', ').toSorted()).toEqual(['Origin', 'X-API-Version', 'X-Org-Name'])
        const exposed = read(answer, 'access-control-expose-headers').split(/, ?/)
        expect(exposed).toEqual(
          expect.arrayContaining(['Content-Disposition', 'ETag', 'RateLimit', 'Location']),
        )
        await answer.text()
      }
      const issued = await fetch(`${service.line}/exports/${id}/ticket`, { method: 'POST', headers: token })
      const { url } = (await issued.json()) as { url: string }
      expect(await (await fetch(new URL(url, service.line), { headers: { Origin: origin } })).text()).toBe(
        'a,b',
      )
    } finally {
      await service.end()
    }
  })

  test('a refusal can be read there too, and another origin reads nothing', async () => {
    const service = await runModule(around(code))
    try {
      const url = `${service.line}/exports/${id}/ticket`
      const refused = await fetch(url, { method: 'POST', headers: { Origin: origin } })
      expect([refused.status, read(refused, 'access-control-allow-origin')]).toEqual([401, origin])
      const foreign = await fetch(url, {
        method: 'POST',
        headers: { ...token, Origin: 'https://evil.example' },
      })
      expect(read(foreign, 'access-control-allow-origin')).toBe('')
    } finally {
      await service.end()
    }
  })
})
