import type { ExportRecord, ReadyRecord, RecordedObject } from '../catalogue.ts'
import { contentCodings, isContentCoding } from '../http/content-codings.ts'
import { parseUuid } from '../http/uuid.ts'
import type { ObjectInfo, Tenant } from '../ports.ts'
import type { RefusalDetail } from '../refusals.ts'
import { wantedGot, refusal } from '../refusals.ts'

/**
 * Returns the record without its `null` members, if it belongs to the requested export and tenant and is ready. Refuses
 * otherwise.
 *
 * A catalogue that returns another export, or an export of another tenant, has probably lost a WHERE. The caller then gets the same
 * 404 as for a missing export, before the store is called, and `onEvent` receives the trouble `record_mismatch`.
 *
 * @param now - the current time, in milliseconds since the epoch
 * @param idPattern - the pattern of export ids. `undefined`: they are UUIDs
 */
export function checkRecord(
  record: ExportRecord | null | undefined,
  { exportId, tenant }: { readonly exportId: string; readonly tenant: Tenant },
  now: number,
  idPattern: RegExp | undefined,
): ReadyRecord {
  if (record === undefined || record === null) {
    const cause = wantedGot(`findExport must find '${exportId}' of tenant '${tenant.id}'`, record)
    throw refusal({ kind: 'export_not_found' }, cause)
  }
  const { state, expiresAt } = record
  if (!isSameId(record.id, exportId, idPattern))
    throw refusal(mismatch, wantedGot(`record.id must be '${exportId}'`, record.id))
  if (record.tenantId !== tenant.id)
    throw refusal(mismatch, wantedGot(`record.tenantId must be '${tenant.id}'`, record.tenantId))
  if (state === 'pending' || state === 'failed')
    throw refusal({ kind: `export_${state}` }, wantedGot("record.state must be 'ready'", state))
  const fault = recordFault(record)
  if (fault) {
    const cause = wantedGot(`an export record needs ${fault.need}`, fault.got)
    throw refusal({ kind: 'upstream_error', trouble: 'record_malformed' }, cause)
  }
  if (expiresAt && !(now < expiresAt.getTime())) {
    const cause = wantedGot(`record.expiresAt must be after now, ${now} ms`, expiresAt.getTime())
    throw refusal({ kind: 'export_expired' }, cause)
  }
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

/** `null` counts as absent, because databases return it for empty columns. */
const isGiven = <V>(value: V | null | undefined): value is V => value !== undefined && value !== null

const mismatch: RefusalDetail = { kind: 'export_not_found', trouble: 'record_mismatch' }

/**
 * Whether the id of a record is the requested one. The case of a UUID does not matter, because some databases return upper case
 * (SQL Server does). Ids of the host's own pattern must be equal.
 */
const isSameId = (found: unknown, requested: string, idPattern: RegExp | undefined): boolean =>
  found === requested || (!idPattern && typeof found === 'string' && parseUuid(found) === requested)

interface Fault {
  readonly need: string
  readonly got: unknown
}

const need = (what: string, got: unknown): Fault => ({ need: what, got })

/** The first malformed member of a record. Checked at run time, because the host's rows need not match their types. */
function recordFault({ state, key, format, expiresAt, filename, object }: ExportRecord): Fault | undefined {
  if (state !== 'ready') return need("a state of 'ready', 'pending' or 'failed'", state)
  if (!isText(key)) return need('a key that is not empty', key)
  if (!isText(format) || !/^[A-Za-z0-9]{1,16}(?:\.[A-Za-z0-9]{1,8}){0,2}$/.test(format))
    return need("a format such as 'jsonl'", format)
  if (isGiven(expiresAt) && !isDate(expiresAt))
    return need('an expiresAt that is a valid Date, or none', expiresAt)
  if (isGiven(filename) && typeof filename !== 'string')
    return need('a filename that is a string, or none', filename)
  return isGiven(object) ? objectFault(object) : undefined
}

function objectFault(object: RecordedObject): Fault | undefined {
  if (typeof object !== 'object') return need('an object of what is known, or none', object)
  const { size, validator, lastModified, sha256, encoding } = object
  if (isGiven(size) && !(Number.isSafeInteger(size) && size >= 0))
    return need('an object.size in bytes, or none', size)
  if (isGiven(validator) && !isText(validator))
    return need('an object.validator that is not empty, or none', validator)
  if (isGiven(lastModified) && !isDate(lastModified))
    return need('an object.lastModified that is a valid Date, or none', lastModified)
  if (isGiven(sha256) && !(isText(sha256) && /^[0-9a-f]{64}$/i.test(sha256)))
    return need('an object.sha256 of 64 hex digits, or none', sha256)
  if (isGiven(encoding) && !isContentCoding(encoding))
    return need(`an object.encoding of ${Object.keys(contentCodings).join(' or ')}, or none`, encoding)
  return undefined
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isDate = (value: unknown): boolean => value instanceof Date && !Number.isNaN(value.getTime())
