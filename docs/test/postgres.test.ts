import { describe, expect, test } from 'vitest'

import { isHere } from '../../scripts/servers/available.ts'
import { type Postgres, startPostgres } from '../../scripts/servers/postgres.ts'
import { blocks } from './blocks.ts'
import { runModule } from './run.ts'

// The catalogue on Postgres of catalogue.md, on a real one.

const block = blocks.find(
  ({ document, code }) => document === 'docs/catalogue.md' && code.includes("from 'pg'"),
)
const table = blocks.find(({ document, language }) => document === 'docs/catalogue.md' && language === 'sql')

const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const setUp = `
await pool.query(${JSON.stringify(table?.code)})
const insert = 'INSERT INTO exports VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)'
await pool.query(insert, ['acme', '${id}', 'acme/1.csv', 'csv', 'ready', 'May.csv', '9007199254740991', 'v1', '2100-01-01T00:00:00Z'])
await pool.query(insert, ['globex', '${id}', 'globex/1.csv', 'csv', 'pending', null, null, null, null])
const find = (tenant, signal) => findExport({ exportId: '${id}', tenant: { id: tenant, name: tenant } }, signal)
`

/** Runs the page's code and more on a new server, and parses the line that it prints. */
async function onPostgres(more: string, postgres: Postgres): Promise<unknown> {
  const here = `new Pool({ host: '127.0.0.1', port: ${postgres.port}, user: 'postgres', database: 'postgres',`
  const code = (block?.code ?? '').replace('new Pool({', here)
  const { line, end } = await runModule(`${code}${setUp}${more}`)
  await end()
  return JSON.parse(line)
}

describe.skipIf(!isHere('postgres'))('the catalogue on Postgres', () => {
  test('rows become records', async () => {
    const postgres = await startPostgres()
    try {
      const signal = 'new AbortController().signal'
      const found = await onPostgres(
        `console.log(JSON.stringify([await find('acme', ${signal}), await find('globex', ${signal}), (await find('none', ${signal})) ?? null]))`,
        postgres,
      )
      const object = { size: 9_007_199_254_740_991, validator: 'v1' }
      const acme = { id, tenantId: 'acme', key: 'acme/1.csv', format: 'csv', state: 'ready' }
      expect(found).toEqual([
        { ...acme, filename: 'May.csv', expiresAt: '2100-01-01T00:00:00.000Z', object },
        {
          ...acme,
          tenantId: 'globex',
          key: 'globex/1.csv',
          state: 'pending',
          filename: null,
          expiresAt: null,
          object: { size: null, validator: null },
        },
        null,
      ])
    } finally {
      await postgres.close()
    }
  })

  test('a look-up that waits ends with its signal, or with the statement timeout, and gives its connection back', async () => {
    const postgres = await startPostgres()
    try {
      const told = await onPostgres(
        `
const blocker = await pool.connect()
await blocker.query('BEGIN')
await blocker.query('LOCK TABLE exports IN ACCESS EXCLUSIVE MODE')
const errorOf = (asked) => asked.then(() => 'found', (error) => error.code ?? error.message)
const left = await Promise.all(Array.from({ length: 30 }, () => errorOf(find('acme', AbortSignal.timeout(200)))))
const late = await errorOf(find('acme', new AbortController().signal))
await blocker.query('COMMIT')
blocker.release()
const after = await find('acme', new AbortController().signal)
console.log(JSON.stringify({ left: left.includes('found'), late, after: after.id, open: pool.totalCount - pool.idleCount }))`,
        postgres,
      )
      expect(told).toEqual({ left: false, late: '57014', after: id, open: 0 })
    } finally {
      await postgres.close()
    }
  })

  test('after the database was away, look-ups work again, and the process did not end', async () => {
    const postgres = await startPostgres()
    try {
      const told = await onPostgres(
        `
await find('acme', new AbortController().signal)
const killer = await pool.connect()
const ended = new Promise((resolve) => pool.once('error', resolve))
const idle = await pool.connect()
const { rows: [{ pid }] } = await idle.query('SELECT pg_backend_pid() AS pid')
idle.release()
await killer.query('SELECT pg_terminate_backend($1)', [pid])
killer.release()
await ended
const after = await find('acme', new AbortController().signal)
console.log(JSON.stringify(after.id))`,
        postgres,
      )
      expect(told).toBe(id)
    } finally {
      await postgres.close()
    }
  })
})
