import { expect, test } from 'vitest'

import { blocks } from './blocks.ts'
import { runModule } from './run.ts'

// The SQLite rows of catalogue.md become records that the handler serves, and a lost WHERE is a 404.

const block = blocks.find(
  ({ document, code }) => document === 'docs/catalogue.md' && code.includes('node:sqlite'),
)
const inMemory = (block?.code ?? '').replace("'catalogue.db'", "':memory:'")

const ids = {
  plain: '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82',
  full: '2f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82',
  pending: '3f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82',
  expired: '4f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82',
  stale: '5f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82',
}
const ask = `
import { createExportHandler } from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'

const insert = database.prepare('INSERT INTO exports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
insert.run('acme', '${ids.plain}', 'k', 'csv', 'ready', null, null, null, null)
insert.run('acme', '${ids.full}', 'k', 'csv', 'ready', 'May 2026.csv', 5, null, 4102444800000)
insert.run('acme', '${ids.pending}', 'k', 'csv', 'pending', null, null, null, null)
insert.run('acme', '${ids.expired}', 'k', 'csv', 'ready', null, null, null, 1000)
insert.run('acme', '${ids.stale}', 'k', 'csv', 'ready', null, 6, null, null)
const answers = []
const handler = createExportHandler({
  verifier: { verify: async () => ({ issuer: 'i', subject: 's', organizations: ['acme'], capabilities: ['c'], claims: {} }) },
  tenancy: { mode: 'single', tenant: { id: 'acme', name: 'acme' } },
  capability: 'c',
  findExport,
  store: createMemoryStore({ k: 'a,b\\n1' }),
  onEvent: (event) => 'outcome' in event && answers.push(event.kind ?? event.outcome),
})
const names = []
for (const id of ${JSON.stringify(Object.values(ids))}) {
  const { headers, body } = await handler.handle({
    method: 'GET',
    params: { exportId: id },
    header: (name) => (name === 'authorization' ? 'Bearer token' : undefined),
    signal: new AbortController().signal,
  })
  for await (const chunk of body ?? []) void chunk
  names.push(headers['Content-Disposition'])
}
console.log(JSON.stringify({ answers, names: names.slice(0, 2) }))
`

const run = async (code: string): Promise<unknown> => {
  const { line, end } = await runModule(code)
  await end()
  return JSON.parse(line)
}

test('rows become records', async () => {
  expect(await run(`${inMemory}${ask}`)).toEqual({
    answers: ['completed', 'completed', 'export_pending', 'export_expired', 'upstream_error'],
    names: [`attachment; filename="export-${ids.plain}.csv"`, 'attachment; filename="May 2026.csv"'],
  })
})

test('a query without its WHERE finds another row, which is not served', async () => {
  const lost = inMemory
    .replace(' WHERE tenant_id = ? AND id = ?', ' ORDER BY id')
    .replace('select.get(tenant.id, exportId)', 'select.get()')
  expect(await run(`${lost}${ask}`)).toMatchObject({
    answers: ['completed', ...Array.from({ length: 4 }, () => 'export_not_found')],
  })
})
