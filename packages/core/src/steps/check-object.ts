import type { ObjectInfo } from '../ports.ts'
import { refusal } from '../refusals.ts'

/**
 * What is known of the object: the store's word and the catalogue's together. An export id names one immutable object,
 * so a store that contradicts the record is refused, and no retry can heal it.
 */
export function checkObject(info: ObjectInfo, recorded: Partial<ObjectInfo> | undefined): ObjectInfo {
  if (!Number.isSafeInteger(info.size) || info.size < 0 || info.validator === '') {
    throw refusal({ kind: 'upstream_error', trouble: { port: 'store', code: 'info_malformed' } })
  }
  if (!recorded) return info
  const same =
    agree(recorded.size, info.size) &&
    agree(recorded.validator, info.validator) &&
    agree(recorded.encoding, info.encoding) &&
    (info.sha256 === undefined || agree(recorded.sha256?.toLowerCase(), info.sha256.toLowerCase())) &&
    (info.lastModified === undefined || agree(seconds(recorded.lastModified), seconds(info.lastModified)))
  if (!same) throw refusal({ kind: 'upstream_error', trouble: { port: 'store', code: 'record_stale' } })
  return recorded.sha256 === undefined ? info : { ...info, sha256: recorded.sha256.toLowerCase() }
}

const agree = <V>(recorded: V | undefined, stored: V | undefined): boolean =>
  recorded === undefined || recorded === stored

const seconds = (date: Date | undefined): number | undefined => date && Math.floor(date.getTime() / 1000)
