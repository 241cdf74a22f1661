import { beforeAll, describe, expect, test } from 'vitest'

import { textOf } from '../docs-tables.ts'
import { judgePeers, peersTable } from '../peers/peers-table.ts'
import { peers } from '../peers/peers.ts'
import type { Report } from '../src/report/report.ts'

describe.skipIf(peers.some(({ isHere }) => !isHere))('what other servers fail', () => {
  let reports: ReadonlyMap<string, Report>
  beforeAll(async () => {
    reports = await judgePeers()
  })

  test('docs/check.md has the table of this run; `pnpm --filter @sallyport/check docs` writes it', () => {
    expect(textOf('peers')).toBe(peersTable(reports))
  })
})
