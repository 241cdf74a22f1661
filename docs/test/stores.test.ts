import { expect, test } from 'vitest'

import { blocks } from './blocks.ts'
import { runModule } from './run.ts'

// The store of stores.md keeps the contract, over a table in memory.

const code = blocks.find(
  ({ document, given }) => document === 'docs/stores.md' && given.includes('table'),
)?.code

const before = `
import { storeContract } from '@sallyport/core/testing'

const rows = new Map()
let puts = 0
const table = {
  find: async (key) => rows.get(key),
  read: async (key, revision, from, to) => {
    const row = rows.get(key)
    return row?.revision === revision ? row.bytes.slice(from, to + 1) : undefined
  },
}
`
const after = `
const put = async (key, bytes) => {
  puts += 1
  rows.set(key, { bytes: Uint8Array.from(bytes), size: bytes.length, revision: 'r' + puts })
}
const remove = async (key) => void rows.delete(key)
const cases = storeContract(async () => ({ store, put, remove }))
const failed = []
for (const { title, run } of cases) await run().catch((error) => failed.push(title + ': ' + error.message))
console.log(JSON.stringify({ cases: cases.length, failed }))
`

test('the store that stores.md shows keeps the contract', { timeout: 60_000 }, async () => {
  const { line, end } = await runModule(`${before}\n${code}\n${after}`)
  await end()
  const { cases, failed } = JSON.parse(line) as { cases: number; failed: readonly string[] }
  expect(failed).toEqual([])
  expect(cases).toBeGreaterThan(20)
})
