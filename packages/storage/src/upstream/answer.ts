import { Readable } from 'node:stream'

import type { ByteRange, ExportStore, GetOptions, ObjectInfo, OpenObject } from '@sallyport/core'

import { readContentEncoding } from './content-coding.ts'
import { refuseFault } from './fault.ts'
import { type ClassifyBodyError, openBody } from './open-body.ts'
import type { StoreTroubles } from './trouble.ts'
import type { Lease } from './upstream.ts'

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
  readonly sha256?: string | undefined
}

/** How the response to one request is read. */
export interface Reading {
  readonly troubles: StoreTroubles
  readonly range?: ByteRange | undefined
  readonly ifMatch?: string | undefined
}

/**
 * Checks a response against its request, and describes the object. Reports `encoding_ignored` for a `Content-Encoding` that is
 * none.
 *
 * @throws `'upstream_error'` if the response does not match the request or contradicts itself: a 200 to a ranged request, a
 *   weak, missing or different entity-tag, a missing or different length. Real servers and gateways send each of these, and
 *   each would give wrong bytes.
 */
export function describeObject(answer: Answer, { range, ifMatch, troubles }: Reading): ObjectInfo {
  const { status, etag, version, lastModified, sha256 } = answer
  const wrong = (word: string): never => refuseFault('upstream_error', { status: status ?? 0, word })
  if (status !== (range ? 206 : 200)) return wrong('wrong_status')
  if (!isStrong(etag)) return wrong('no_strong_etag')
  const { coding, ignored } = readContentEncoding(answer.contentEncoding) ?? wrong('unknown_encoding')
  if (ignored !== '')
    troubles.reportOnce('encoding_ignored', new Error(`the store says Content-Encoding: ${ignored}`))
  const pin = ifMatch === undefined ? undefined : parseValidator(ifMatch)
  if (pin && (pin.etag !== etag || (pin.version ?? version) !== version)) return wrong('another_object')
  return {
    size: (range ? sizeOfPart(answer, range) : sizeOfWhole(answer)) ?? wrong('wrong_length'),
    validator: ifMatch ?? formatValidator(version === undefined ? { etag } : { etag, version }),
    ...(lastModified && { lastModified }),
    ...(sha256 !== undefined && { sha256 }),
    ...(coding && { encoding: coding }),
  }
}

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
  stream: unknown,
  answer: Answer,
  reading: Reading,
  classifyBodyError?: ClassifyBodyError,
): OpenObject {
  if (!(stream instanceof Readable)) {
    release()
    return refuseFault('upstream_error', { word: 'no_body' })
  }
  const body = openBody(stream, release, classifyBodyError)
  try {
    return { info: describeObject(answer, reading), ...body }
  } catch (error) {
    body.close()
    throw error
  }
}

/** Opens an object. With a pin, the request names the entity-tag and version. */
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
export const pinnedStore = (head: ExportStore['head'], open: OpenPinned): ExportStore => ({
  head,
  get: async (key, options, signal) => {
    const { ifMatch } = options
    const pin = ifMatch === undefined ? undefined : parseValidator(ifMatch)
    if (ifMatch === undefined || pin) return open(key, options, pin, signal)
    return (await head(key, signal)) && refuseFault('object_changed', { word: 'foreign_validator' })
  },
})

/** Pins an object of S3 or Azure: its entity-tag, and its version where the container keeps versions. */
export interface Pin {
  /** Strong, with its quotes (RFC 9110 §8.8.3). */
  readonly etag: string
  readonly version?: string
}

/** `"etag"`, or `"etag"@version`: the validator of an object, equal in every process and region. */
export const formatValidator = ({ etag, version }: Pin): string =>
  version === undefined ? etag : `${etag}@${version}`

/** Parses a validator of {@link formatValidator}. `undefined`: it is malformed, so no object has it. */
export function parseValidator(validator: string): Pin | undefined {
  const found = VALIDATOR.exec(validator)
  if (found?.[1] === undefined) return undefined
  return found[2] === undefined ? { etag: found[1] } : { etag: found[1], version: found[2] }
}

/** Whether a text is one strong entity-tag. Weak ones cannot pin bytes (RFC 9110 §8.8.3.2). */
export const isStrong = (etag: string | undefined): etag is string =>
  etag !== undefined && parseValidator(etag)?.etag === etag

const VALIDATOR = /^("[\x21\x23-\x7e]{1,256}")(?:@([\x21-\x7e]{1,1024}))?$/
