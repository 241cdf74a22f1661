import { isContentCoding } from '../http/content-codings.ts'
import type { ObjectInfo } from '../ports.ts'
import { refusal } from '../refusals.ts'

/**
 * What is known of the object: the store's word and the catalogue's together. An export id names one immutable object,
 * so a store that contradicts the record is refused, and no retry can heal it.
 */
export function checkObject(
  info: ObjectInfo | null | undefined,
  recorded: Partial<ObjectInfo> | undefined,
): ObjectInfo {
  const fault = info ? infoFault(info) : 'info'
  if (!info || fault !== undefined) {
    const cause = new TypeError(`a store gave a malformed ${fault}`)
    throw refusal({ kind: 'upstream_error', trouble: 'info_malformed' }, cause)
  }
  if (!recorded) return info
  const same =
    agree(recorded.size, info.size) &&
    agree(recorded.validator, info.validator) &&
    (isWhole(recorded) ? recorded.encoding === info.encoding : agree(recorded.encoding, info.encoding)) &&
    (info.sha256 === undefined || agree(recorded.sha256?.toLowerCase(), info.sha256.toLowerCase())) &&
    (info.lastModified === undefined || agree(seconds(recorded.lastModified), seconds(info.lastModified)))
  if (!same) throw refusal({ kind: 'upstream_error', trouble: 'record_stale' })
  return recorded.sha256 === undefined ? info : { ...info, sha256: recorded.sha256.toLowerCase() }
}

/** The first member that is not what it must be, if any. */
function infoFault({ size, validator, lastModified, sha256, encoding }: ObjectInfo): string | undefined {
  if (!Number.isSafeInteger(size) || size < 0) return 'size'
  if (typeof validator !== 'string' || validator === '') return 'validator'
  if (lastModified !== undefined && !isDate(lastModified)) return 'lastModified'
  if (sha256 !== undefined && !isSha256(sha256)) return 'sha256'
  if (encoding !== undefined && !isContentCoding(encoding)) return 'encoding'
  return undefined
}

const isDate = (value: unknown): boolean => value instanceof Date && !Number.isNaN(value.getTime())
const isSha256 = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)

/** What spares a head() is decided by alone, so what it leaves unsaid is not so. */
const isWhole = ({ size, validator }: Partial<ObjectInfo>): boolean =>
  size !== undefined && validator !== undefined

const agree = <V>(recorded: V | undefined, stored: V | undefined): boolean =>
  recorded === undefined || recorded === stored

const seconds = (date: Date | undefined): number | undefined => date && Math.floor(date.getTime() / 1000)
