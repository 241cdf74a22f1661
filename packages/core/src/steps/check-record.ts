import { contentCodings, isContentCoding } from '../http/content-codings.ts'
import { parseUuid } from '../http/uuid.ts'
import type { ExportRecord, ObjectInfo, ReadyRecord, RecordedObject, Tenant } from '../ports.ts'
import { refusal } from '../refusals.ts'

/**
 * The record, if it is the requested one, of this tenant, and ready. `null` members are left out.
 *
 * A catalogue that answers with another export or another tenant's has lost a WHERE: the caller reads the same 404 as
 * for a missing export, before any store is touched, and the host is told.
 *
 * @param now - ms since the epoch
 * @param idPattern - what an export id looks like. Absent: it is a UUID
 */
export function checkRecord(
  record: ExportRecord | null | undefined,
  { exportId, tenant }: { readonly exportId: string; readonly tenant: Tenant },
  now: number,
  idPattern: RegExp | undefined,
): ReadyRecord {
  if (record === undefined || record === null) throw refusal({ kind: 'export_not_found' })
  if (!isSameId(record.id, exportId, idPattern) || record.tenantId !== tenant.id) {
    throw refusal({ kind: 'export_not_found', trouble: 'record_mismatch' })
  }
  if (record.state === 'pending') throw refusal({ kind: 'export_pending' })
  if (record.state === 'failed') throw refusal({ kind: 'export_failed' })
  const fault = recordFault(record)
  if (fault !== undefined) {
    const cause = new TypeError(`an export record needs ${fault}`)
    throw refusal({ kind: 'upstream_error', trouble: 'record_malformed' }, cause)
  }
  if (record.expiresAt && !(now < record.expiresAt.getTime())) throw refusal({ kind: 'export_expired' })
  return readyRecord(record, exportId)
}

function readyRecord({ key, format, filename, object }: ExportRecord, id: string): ReadyRecord {
  return {
    id,
    key,
    format,
    ...(isGiven(filename) && { filename }),
    ...(isGiven(object) && { object: withoutNull(object) }),
  }
}

const withoutNull = ({
  size,
  validator,
  lastModified,
  sha256,
  encoding,
}: RecordedObject): Partial<ObjectInfo> => ({
  ...(isGiven(size) && { size }),
  ...(isGiven(validator) && { validator }),
  ...(isGiven(lastModified) && { lastModified }),
  ...(isGiven(sha256) && { sha256 }),
  ...(isGiven(encoding) && { encoding }),
})

/** Databases say `null` for what is absent. */
const isGiven = <V>(value: V | null | undefined): value is V => value !== undefined && value !== null

/**
 * Databases show a UUID in upper case, too (SQL Server does), so its case does not count. Ids of the host's own pattern are
 * compared exactly.
 */
const isSameId = (found: unknown, asked: string, idPattern: RegExp | undefined): boolean =>
  found === asked || (!idPattern && typeof found === 'string' && parseUuid(found) === asked)

/** What is wrong with the first member that is not what it must be. A catalogue is a port: its types are not believed. */
function recordFault({ state, key, format, expiresAt, filename, object }: ExportRecord): string | undefined {
  if (state !== 'ready') return "a state of 'ready', 'pending' or 'failed'"
  if (!isText(key)) return 'a key that is not empty'
  if (!isText(format) || !/^[A-Za-z0-9]{1,16}(?:\.[A-Za-z0-9]{1,8}){0,2}$/.test(format))
    return "a format such as 'jsonl'"
  if (isGiven(expiresAt) && !isDate(expiresAt)) return 'an expiresAt that is a valid Date, or none'
  if (isGiven(filename) && typeof filename !== 'string') return 'a filename that is a string, or none'
  return isGiven(object) ? objectFault(object) : undefined
}

function objectFault(object: RecordedObject): string | undefined {
  if (typeof object !== 'object') return 'an object of what is known, or none'
  const { size, validator, lastModified, sha256, encoding } = object
  if (isGiven(size) && !(Number.isSafeInteger(size) && size >= 0)) return 'an object.size in bytes, or none'
  if (isGiven(validator) && !isText(validator)) return 'an object.validator that is not empty, or none'
  if (isGiven(lastModified) && !isDate(lastModified))
    return 'an object.lastModified that is a valid Date, or none'
  if (isGiven(sha256) && !(isText(sha256) && /^[0-9a-f]{64}$/i.test(sha256)))
    return 'an object.sha256 of 64 hex digits, or none'
  if (isGiven(encoding) && !isContentCoding(encoding))
    return `an object.encoding of ${Object.keys(contentCodings).join(' or ')}, or none`
  return undefined
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isDate = (value: unknown): boolean => value instanceof Date && !Number.isNaN(value.getTime())
