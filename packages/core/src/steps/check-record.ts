import type { ExportRecord, Tenant } from '../ports.ts'
import { refusal } from '../refusals.ts'

/**
 * The record, if it is the asked one, of this tenant, and ready.
 *
 * A catalogue that answers with another export or another tenant's has lost a WHERE: the caller reads the same 404 as
 * for a missing export, before any store is touched, and the host is told.
 *
 * @param now - ms since the epoch
 */
export function checkRecord(
  record: ExportRecord | null | undefined,
  { exportId, tenant }: { readonly exportId: string; readonly tenant: Tenant },
  now: number,
): ExportRecord {
  if (record === undefined || record === null) throw refusal({ kind: 'export_not_found' })
  if (record.id !== exportId || record.tenantId !== tenant.id) {
    throw refusal({ kind: 'export_not_found', trouble: { port: 'catalogue', code: 'record_mismatch' } })
  }
  if (record.state === 'pending') throw refusal({ kind: 'export_pending' })
  if (record.state === 'failed') throw refusal({ kind: 'export_failed' })
  if (
    record.state !== 'ready' ||
    typeof record.key !== 'string' ||
    record.key === '' ||
    !isFormat(record.format)
  ) {
    throw refusal({ kind: 'upstream_error', trouble: { port: 'catalogue', code: 'record_malformed' } })
  }
  if (record.expiresAt && !(now < record.expiresAt.getTime())) throw refusal({ kind: 'export_expired' })
  return record
}

const isFormat = (format: unknown): boolean =>
  typeof format === 'string' && /^[a-z0-9]{1,16}(?:\.[a-z0-9]{1,8})?$/.test(format)
