import type { ByteRange, ExportStore, GetOptions, ObjectInfo, OpenObject } from '@sallyport/core'

import { readContentEncoding } from './content-coding.ts'
import { refuseFault } from './fault.ts'
import { type BodyReading, openBody } from './open-body.ts'
import type { ResponseBody } from './response-body.ts'
import type { StoreTroubles } from './trouble.ts'
import type { Lease } from './upstream.ts'
import { formatValidator, parseValidator, type Pin, pinOf, type ValidatorKind } from './validator.ts'

/** The fields of a store's response, from either SDK. */
export interface Answer {
  readonly status: number | undefined
  readonly etag: string | undefined
  /** `undefined` if the bucket or container keeps no versions. */
  readonly version: string | undefined
  /** Content-Length, in bytes of this body. */
  readonly length: number | undefined
  readonly contentRange: string | undefined
  readonly contentEncoding: string | undefined
  readonly lastModified: Date | undefined
  /** It marks a folder, not an object. */
  readonly isFolder?: boolean
  readonly sha256?: string | undefined
}

/** How the response to one request is read. */
export interface ExpectedAnswer extends BodyReading {
  readonly troubles: StoreTroubles
  readonly range?: ByteRange | undefined
  readonly ifMatch?: string | undefined
  /** @defaultValue 'etag' */
  readonly validator?: ValidatorKind | undefined
}

/**
 * Checks a response against its request, and describes the object. Reports `encoding_ignored` if
 * `Content-Encoding` holds a text that is not a coding, such as `utf-8`.
 *
 * @throws `'upstream_error'` if the response does not match the request or contradicts itself: a 200 to a ranged request, a
 *   weak or missing entity-tag, a missing or different length. Real servers and gateways send each of these, and each would give
 *   wrong bytes. `'object_changed'` if it is of another object than the requested one: some stores ignore If-Match
 */
export function describeObject(
  answer: Answer,
  { range, ifMatch, troubles, validator }: ExpectedAnswer,
): ObjectInfo {
  const { status, lastModified, sha256 } = answer
  const wrong = (word: string): never => refuseFault('upstream_error', { status: status ?? 0, word })
  if (status !== (range ? 206 : 200)) return wrong('wrong_status')
  if (answer.isFolder) return wrong('folder')
  const kind = validator ?? 'etag'
  const facts = pinOf(answer, kind) ?? wrong(MISSING_FACT[kind])
  const { coding, ignored } = readContentEncoding(answer.contentEncoding) ?? wrong('unknown_encoding')
  if (ignored !== '')
    troubles.reportOnce('encoding_ignored', new Error(`the store says Content-Encoding: ${ignored}`))
  const pin = ifMatch === undefined ? undefined : parseValidator(ifMatch, kind)
  const changed = (): never => refuseFault('object_changed', { status: status ?? 0, word: 'another_object' })
  if (pin && !isSamePin(pin, facts)) return changed()
  const size = (range ? sizeOfPart(answer, range) : sizeOfWhole(answer)) ?? wrong('wrong_length')
  if (pin?.size !== undefined && pin.size !== size) return changed()
  return {
    size,
    validator: ifMatch ?? formatValidator({ ...facts, size }),
    ...(lastModified && { lastModified }),
    ...(sha256 !== undefined && { sha256 }),
    ...(coding && { encoding: coding }),
  }
}

/** A pin without a version may be of a time before the bucket kept versions. */
const isSamePin = (pin: Pin, facts: Pin): boolean =>
  pin.etag === facts.etag &&
  pin.modified === facts.modified &&
  (pin.version ?? facts.version) === facts.version

const MISSING_FACT = {
  etag: 'no_strong_etag',
  version: 'no_version',
  'lastModified+size': 'no_last_modified',
} as const

const sizeOfWhole = ({ length, contentRange }: Answer): number | undefined =>
  Number.isSafeInteger(length) && contentRange === undefined ? length : undefined

function sizeOfPart({ length, contentRange }: Answer, range: ByteRange): number | undefined {
  const [, first, last, size] = (CONTENT_RANGE.exec(contentRange ?? '') ?? []).map(Number)
  if (first === undefined || last === undefined || size === undefined) return undefined
  const isRequested = first === range.first && last === range.last && last < size
  return isRequested && length === last - first + 1 ? size : undefined
}

const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/

/** Opens the object of a response. If the response is wrong, closes the body and its connection at once. */
export function openAnswer(
  { release }: Lease<unknown>,
  received: ResponseBody | undefined,
  answer: Answer,
  expected: ExpectedAnswer,
): OpenObject {
  if (!received) {
    release()
    return refuseFault('upstream_error', { word: 'no_body' })
  }
  const body = openBody(received, release, expected)
  try {
    return { info: describeObject(answer, expected), ...body }
  } catch (error) {
    body.close()
    throw error
  }
}

/** Opens an object. With a pin, the request names its entity-tag and version, as far as the pin has them. */
export type OpenPinned = (
  key: string,
  options: GetOptions,
  pin: Pin | undefined,
  signal: AbortSignal,
) => Promise<OpenObject | undefined>

/**
 * Makes a store of these two functions. A validator that this package did not produce cannot match, so the object is reported
 * as changed (or missing).
 */
export const pinnedStore = (
  head: ExportStore['head'],
  open: OpenPinned,
  validator?: ValidatorKind,
): ExportStore => ({
  head,
  get: async (key, options, signal) => {
    const { ifMatch } = options
    const pin = ifMatch === undefined ? undefined : parseValidator(ifMatch, validator)
    if (ifMatch === undefined || pin) return open(key, options, pin, signal)
    return (await head(key, signal)) && refuseFault('object_changed', { word: 'foreign_validator' })
  },
})
