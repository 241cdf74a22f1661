import { expect, test } from 'vitest'

import type { ExportRecord, FindExport, Tenant } from '../src/index.ts'

/** A row of a host, whose ids are of a type of its own. */
interface Row extends Pick<ExportRecord, 'key' | 'format' | 'state'> {
  readonly id: string
  readonly tenantId: string & { readonly brand: 'organization' }
}
const rows: readonly Row[] = []
const find = (tenantId: string, id: string): Row | undefined =>
  rows.find((row) => row.tenantId === tenantId && row.id === id)

test('the compiler takes ids of a row, and refuses those of the query', () => {
  const ofTheRow: FindExport<Tenant> = async ({ exportId, tenant }) => find(tenant.id, exportId)
  // @ts-expect-error `id` is the query's
  const asked: FindExport<Tenant> = async ({ exportId, tenant }) => {
    const row = find(tenant.id, exportId)
    return row && { ...row, id: exportId }
  }
  // @ts-expect-error `tenantId` is the query's
  const ofTheAsked: FindExport<Tenant> = async ({ exportId, tenant }) => {
    const row = find(tenant.id, exportId)
    return row && { ...row, tenantId: tenant.id }
  }
  expect([ofTheRow, asked, ofTheAsked]).toHaveLength(3)
})
