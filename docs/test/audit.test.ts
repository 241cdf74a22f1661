import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { blocks } from './blocks.ts'
import { runModule } from './run.ts'

// The two recipes of audit.md have a row of each download before its first byte, and send nothing that they cannot record.

const [jsonLines = '', sqlite = ''] = blocks
  .filter(({ document, language }) => document === 'docs/audit.md' && language === 'ts')
  .map(({ code }) => code)

const exportId = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const options = `
import { createMemoryStore } from '@sallyport/core/testing'
const options = {
  verifier: { verify: async () => ({ issuer: 'https://issuer.test', subject: 'ann', organizations: ['acme'], capabilities: ['c'], claims: {} }) },
  tenancy: { mode: 'single', tenant: { id: '17', name: 'acme' } },
  capability: 'c',
  findExport: async () => ({ ...[{ id: '${exportId}', tenantId: '17' }][0], key: 'k', format: 'csv', state: 'ready' }),
  store: createMemoryStore({ k: 'a,b\\n1' }),
  limits: { concurrent: { perPrincipal: 100 } },
}
`
/** Asks \`count\` times at once. Prints the statuses, and then what \`look\` sees before any body is read. */
const ask = (count: number, look: string): string => `
const answers = await Promise.all(Array.from({ length: ${count} }, () => handler.handle({
  method: 'GET',
  params: { exportId: '${exportId}' },
  header: (name) => (name === 'authorization' ? 'Bearer token' : undefined),
  signal: new AbortController().signal,
})))
const seen = ${look}
for (const { body } of answers) for await (const chunk of body ?? []) void chunk
console.log(JSON.stringify({ statuses: answers.map(({ status }) => status), seen }))
setInterval(() => undefined, 1_000)
`

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-audit-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

interface Row {
  readonly id: string
  readonly type: string
  readonly outcome?: string
}
const rowsOf = (text: string): readonly Row[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)

describe('JSON Lines', () => {
  const look = "(await import('node:fs')).readFileSync(path, 'utf8')"
  const recipe = (path: string): string =>
    `${options}const path = '${path}'\n${jsonLines.replace("'audit.jsonl'", 'path')}`

  test('every started download is on the disk before its first byte, and its end follows', async () => {
    const path = join(folder, 'audit.jsonl')
    const { line, end } = await runModule(recipe(path) + ask(50, look))
    const { statuses, seen } = JSON.parse(line) as { statuses: number[]; seen: string }
    expect(statuses).toEqual(Array<number>(50).fill(200))
    expect(rowsOf(seen).map(({ type }) => type)).toEqual(Array<string>(50).fill('download_started'))
    await expect.poll(async () => rowsOf(await readFile(path, 'utf8')).length).toBe(100)
    await end()
    const rows = rowsOf(await readFile(path, 'utf8'))
    const starts = new Set(rows.slice(0, 50).map(({ id }) => id))
    expect(starts.size).toBe(50)
    expect(
      rows.slice(50).filter(({ id, outcome }) => starts.has(id) && outcome === 'completed'),
    ).toHaveLength(50)
  })

  test('on a full disk nothing is sent', async () => {
    const { line, lines, end } = await runModule(recipe('/dev/full') + ask(3, 'undefined'))
    expect(JSON.parse(line)).toEqual({ statuses: [503, 503, 503] })
    await end()
    expect(lines).toHaveLength(1)
  })

  test('half a row of a killed process harms no other row', async () => {
    const path = join(folder, 'audit.jsonl')
    const half = `(await import('node:fs')).writeFileSync(path, '{"type":"download_sta')\n`
    const [before = '', after = ''] = recipe(path).split('const file = await open')
    const { end } = await runModule(`${before}${half}const file = await open${after}${ask(1, 'undefined')}`)
    await expect.poll(async () => (await readFile(path, 'utf8')).split('\n').length).toBe(4)
    await end()
    const [torn, ...whole] = (await readFile(path, 'utf8')).split('\n')
    expect(torn).toBe('{"type":"download_sta')
    expect(rowsOf(whole.join('\n')).map(({ type }) => type)).toEqual(['download_started', 'download_ended'])
  })
})

describe('SQLite', () => {
  const look = `downloadsOf.all('17', '${exportId}')`
  const recipe = (path: string): string => `${options}${sqlite.replace("'audit.db'", `'${path}'`)}`

  test('tells who took an export and how each download ended, and keeps what it has', async () => {
    const path = join(folder, 'audit.db')
    const { line, end } = await runModule(recipe(path) + ask(2, look))
    const started = { subject: 'ann', bytes_promised: 5, bytes_sent: null, outcome: null }
    expect(JSON.parse(line)).toMatchObject({ statuses: [200, 200], seen: [started, started] })
    const database = new DatabaseSync(path)
    const count = database.prepare(
      "SELECT count(*) AS n FROM audit WHERE outcome = 'completed' AND bytes_sent = 5",
    )
    await expect.poll(() => count.get()?.['n']).toBe(2)
    await end()
    const replace = "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE type = 'download_ended'"
    for (const change of ['DELETE FROM audit', "UPDATE audit SET subject = 'eve'", replace])
      expect(() => database.exec(change)).toThrow('append only')
    database.close()
  })

  test('while the database is locked nothing is sent', async () => {
    const path = join(folder, 'audit.db')
    const lock = `const other = new DatabaseSync('${path}')\nother.exec('BEGIN IMMEDIATE')\n`
    const { line, end } = await runModule(recipe(path) + lock + ask(1, look))
    expect(JSON.parse(line)).toEqual({ statuses: [503], seen: [] })
    await end()
  })
})
