import { isContentCoding } from '../http/content-codings.ts'
import type { ObjectInfo } from '../ports.ts'
import { wantedGot, refusal } from '../refusals.ts'

/**
 * Checks the store's description of an object, and compares it with the record. Returns the description, with the SHA-256 of the
 * record. An export id names one immutable object, so a store that contradicts the record is refused (502), and retrying does not
 * help.
 */
export function checkObject(
  info: ObjectInfo | null | undefined,
  recorded: Partial<ObjectInfo> | undefined,
): ObjectInfo {
  const fault = info ? infoFault(info) : { member: 'info', got: info }
  if (!info || fault) {
    const cause = wantedGot(`a store gave a malformed ${fault?.member}`, fault?.got)
    throw refusal({ kind: 'upstream_error', trouble: 'info_malformed' }, cause)
  }
  if (!recorded) return info
  const differs = difference(recorded, info)
  if (differs) {
    const cause = wantedGot(
      `the stored object must have the record's ${differs.member} ${differs.wanted}`,
      differs.got,
    )
    throw refusal({ kind: 'upstream_error', trouble: 'record_stale' }, cause)
  }
  return recorded.sha256 === undefined ? info : { ...info, sha256: recorded.sha256.toLowerCase() }
}

/** The first member in which the object differs from the record. `undefined`: it matches the record. */
function difference(
  recorded: Partial<ObjectInfo>,
  info: ObjectInfo,
): { readonly member: string; readonly wanted: string; readonly got: unknown } | undefined {
  const unlike = (member: string, wanted: unknown, got: unknown) => ({ member, wanted: String(wanted), got })
  const { size, validator, encoding, lastModified } = recorded
  const sha256 = recorded.sha256?.toLowerCase()
  const stored = info.sha256?.toLowerCase()
  if (!agree(size, info.size)) return unlike('size', size, info.size)
  if (!agree(validator, info.validator)) return unlike('validator', validator, info.validator)
  if (replacesHead(recorded) ? encoding !== info.encoding : !agree(encoding, info.encoding))
    return unlike('encoding', encoding, info.encoding)
  if (stored !== undefined && !agree(sha256, stored)) return unlike('sha256', sha256, stored)
  if (info.lastModified !== undefined && !agree(seconds(lastModified), seconds(info.lastModified)))
    return unlike('lastModified', lastModified?.toISOString(), info.lastModified)
  return undefined
}

/** The first malformed member of a description. `undefined`: all are well-formed. */
function infoFault({
  size,
  validator,
  lastModified,
  sha256,
  encoding,
}: ObjectInfo): { readonly member: string; readonly got: unknown } | undefined {
  if (!Number.isSafeInteger(size) || size < 0) return { member: 'size', got: size }
  if (typeof validator !== 'string' || validator === '') return { member: 'validator', got: validator }
  if (lastModified !== undefined && !isDate(lastModified))
    return { member: 'lastModified', got: lastModified }
  if (sha256 !== undefined && !isSha256(sha256)) return { member: 'sha256', got: sha256 }
  if (encoding !== undefined && !isContentCoding(encoding)) return { member: 'encoding', got: encoding }
  return undefined
}

const isDate = (value: unknown): boolean => value instanceof Date && !Number.isNaN(value.getTime())
const isSha256 = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)

/** Whether the record is used instead of `head()`. An absent `encoding` then means that there is no coding. */
const replacesHead = ({ size, validator }: Partial<ObjectInfo>): boolean =>
  size !== undefined && validator !== undefined

const agree = <V>(recorded: V | undefined, stored: V | undefined): boolean =>
  recorded === undefined || recorded === stored

const seconds = (date: Date | undefined): number | undefined => date && Math.floor(date.getTime() / 1000)
