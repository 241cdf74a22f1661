import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { blocks } from './blocks.ts'
import { runModule, type Running } from './run.ts'

// The apps of mounting.md, each before a handler that refuses everybody, and with one route of the host's own behind it.

const handler = `import { createExportHandler as create } from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'
const handler = create({
  verifier: { verify: async () => { throw new Error('asked for a token') } },
  tenancy: { mode: 'single', tenant: { id: '17', name: 'acme' } },
  capability: 'exports:download',
  findExport: async () => undefined,
  store: createMemoryStore(),
})
`
const routes = {
  express: "app.get('/hello', (_, response) => { response.send('hello') })",
  koa: "app.use((ctx, next) => { if (ctx.path !== '/hello') return next(); ctx.body = 'hello' })",
}
const onAnyPort =
  "app.listen(0, '127.0.0.1', function () { console.log(`http://127.0.0.1:${this.address().port}`) })"

describe.each(Object.entries(routes))('the app with %s', (framework, route) => {
  let running: Running
  beforeAll(async () => {
    const block = blocks.find(
      ({ document, code }) => document === 'docs/mounting.md' && code.includes(`from '${framework}'`),
    )
    running = await runModule(
      handler + (block?.code ?? '').replace('app.listen(3000)', `${route}\n${onAnyPort}`),
    )
  })
  afterAll(() => running.end())

  const statusOf = async (path: string): Promise<number> => (await fetch(running.line + path)).status

  test.each([
    ['/exports/1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82/download', 401],
    ['/exports/%zz/download', 401],
    ['/hello', 200],
    ['/', 404],
    ['/favicon.ico', 404],
    ['/exports', 404],
  ])('answers %s with %d', async (path, status) => {
    expect(await statusOf(path)).toBe(status)
  })
})
