import type { ByteRange, ObjectInfo } from '@sallyport/core'

import { refuseFault } from './fault.ts'
import { formatValidator, isStrong, parseValidator } from './validator.ts'

/** What a store's answer says of the object, whichever client read it. */
export interface Answer {
  readonly status: number | undefined
  readonly etag: string | undefined
  /** `undefined` where the container keeps no versions. */
  readonly version: string | undefined
  /** Content-Length: bytes of this body. */
  readonly length: number | undefined
  readonly contentRange: string | undefined
  readonly contentEncoding: string | undefined
  readonly lastModified: Date | undefined
  readonly sha256?: string | undefined
}

/** What was asked. */
export interface Asked {
  readonly range?: ByteRange | undefined
  readonly ifMatch?: string | undefined
}

/**
 * The object, as the answer describes it.
 *
 * @throws `'upstream_error'` where the answer is not to what was asked, or contradicts itself. A 200 to a ranged
 *   request, an entity-tag that is weak, absent or another one, a length that is absent or another one: servers and
 *   gateways do each of these, and each would be wrong bytes.
 */
export function describeObject(answer: Answer, { range, ifMatch }: Asked): ObjectInfo {
  const { status, etag, version, lastModified, sha256 } = answer
  const lie = (word: string): never => refuseFault('upstream_error', { status: status ?? 0, word })
  if (status !== (range ? 206 : 200)) return lie('wrong_status')
  if (!isStrong(etag)) return lie('no_strong_etag')
  const pin = ifMatch === undefined ? undefined : parseValidator(ifMatch)
  if (pin && (pin.etag !== etag || (pin.version ?? version) !== version)) return lie('another_object')
  return {
    size: (range ? sizeOfPart(answer, range) : sizeOfWhole(answer)) ?? lie('wrong_length'),
    validator: ifMatch ?? formatValidator(version === undefined ? { etag } : { etag, version }),
    ...(lastModified && { lastModified }),
    ...(sha256 !== undefined && { sha256 }),
    ...(isGzip(answer.contentEncoding, lie) && { encoding: 'gzip' }),
  }
}

const sizeOfWhole = ({ length, contentRange }: Answer): number | undefined =>
  Number.isSafeInteger(length) && contentRange === undefined ? length : undefined

function sizeOfPart({ length, contentRange }: Answer, range: ByteRange): number | undefined {
  const [, first, last, size] = (CONTENT_RANGE.exec(contentRange ?? '') ?? []).map(Number)
  if (first === undefined || last === undefined || size === undefined) return undefined
  const asked = first === range.first && last === range.last && last < size
  return asked && length === last - first + 1 ? size : undefined
}

const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/

function isGzip(coding: string | undefined, lie: (word: string) => never): boolean {
  if (coding === undefined || coding === '' || coding === 'identity') return false
  return coding === 'gzip' || lie('unknown_encoding')
}
