import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import Fastify, { type FastifyInstance } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'

import { exportDownload } from '../src/fastify-adapter.ts'
import { guard, headers, id } from './guard.ts'

async function serve(plug: (app: FastifyInstance) => Promise<unknown>): Promise<URL> {
  const app = Fastify()
  onTestFinished(() => app.close())
  await plug(app)
  app.all('/exports/:exportId/download', exportDownload(guard))
  return new URL(`/exports/${id}/download`, await app.listen({ host: '127.0.0.1', port: 0 }))
}
const origin = 'https://app.test'

test('@fastify/cors: its headers are on downloads and refusals, and its Vary is kept', async () => {
  const url = await serve(async (app) => app.register(cors, { origin: [origin], exposedHeaders: ['ETag'] }))
  for (const given of [{ ...headers, origin }, { origin }]) {
    const answer = await fetch(url, { headers: given })
    await answer.arrayBuffer()
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
    expect(answer.headers.get('access-control-expose-headers')).toBe('ETag')
    expect(answer.headers.get('vary')).toBe('Origin, X-Org-Name, X-API-Version')
  }
})

test('@fastify/cors answers the preflight request of a browser', async () => {
  const url = await serve(async (app) => app.register(cors, { origin: [origin] }))
  const preflight = { origin, 'access-control-request-method': 'GET' }
  const answer = await fetch(url, { method: 'OPTIONS', headers: preflight })
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, origin])
})

test('@fastify/helmet: its headers are on the download', async () => {
  const url = await serve(async (app) => app.register(helmet))
  const answer = await fetch(url, { headers })
  expect(await answer.text()).toBe('a,b\n')
  const names = ['content-security-policy', 'strict-transport-security', 'x-frame-options']
  expect(names.filter((name) => !answer.headers.has(name))).toEqual([])
})

test.each(['onRequest', 'preHandler'] as const)(
  '@fastify/rate-limit, at %s: its headers are on the download, and it refuses',
  async (hook) => {
    const url = await serve(async (app) => app.register(rateLimit, { max: 1, hook }))
    const [first, second] = [await fetch(url, { headers }), await fetch(url, { headers })]
    expect([first.status, await first.text(), first.headers.get('x-ratelimit-limit')]).toEqual([
      200,
      'a,b\n',
      '1',
    ])
    expect([second.status, second.headers.get('x-ratelimit-remaining')]).toEqual([429, '0'])
  },
)

test('@fastify/under-pressure refuses before the handler is called, and lets requests pass otherwise', async () => {
  const healthy = { value: true }
  const url = await serve(async (app) =>
    app.register(underPressure, { healthCheck: async () => healthy.value, healthCheckInterval: 20 }),
  )
  const answer = await fetch(url, { headers })
  expect([answer.status, await answer.text()]).toEqual([200, 'a,b\n'])
  healthy.value = false
  await expect
    .poll(async () => {
      const refused = await fetch(url, { headers })
      await refused.arrayBuffer()
      return [refused.status, refused.headers.get('retry-after')]
    })
    .toEqual([503, '10'])
})
