import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'

import type { Answer } from '../upstream/answer.ts'
import { readErrorBody } from '../upstream/error-body.ts'
import type { ResponseBody } from '../upstream/response-body.ts'
import type { HttpAnswer } from './connections.ts'
import { member } from './upstream-of.ts'

/** The fields of a response that the store uses, by the SDK's names. */
export type S3Answer = Pick<
  GetObjectCommandOutput,
  | '$metadata'
  | 'ChecksumCRC32'
  | 'ChecksumCRC64NVME'
  | 'ChecksumSHA256'
  | 'ChecksumType'
  | 'ContentEncoding'
  | 'ContentLength'
  | 'ContentRange'
  | 'ETag'
  | 'LastModified'
  | 'VersionId'
> & { readonly Body?: ResponseBody | undefined }

/** Describes a response of S3 in the words of all stores. */
export const answerOf = (answer: S3Answer): Answer => ({
  status: answer.$metadata.httpStatusCode,
  etag: answer.ETag,
  version: answer.VersionId === 'null' ? undefined : answer.VersionId, // stored before versioning was enabled
  length: answer.ContentLength,
  contentRange: answer.ContentRange,
  contentEncoding: answer.ContentEncoding,
  lastModified: answer.LastModified,
  sha256: sha256Of(answer),
})

// A checksum of the parts' checksums (COMPOSITE, or with the suffix -N) is not a digest of the object.
function sha256Of({ ChecksumSHA256: sum, ChecksumType: type }: S3Answer): string | undefined {
  return type === 'FULL_OBJECT' && sum !== undefined && /^[A-Za-z0-9+/]{43}=$/.test(sum)
    ? Buffer.from(sum, 'base64').toString('hex')
    : undefined
}

/**
 * Reads a response that did not come by the SDK.
 *
 * @throws an error with the members by which `classifyS3Error` classifies, for a status from 300. The body of such a response is
 *   read within limits
 */
export async function readAnswer({ status, headers, body }: HttpAnswer): Promise<S3Answer> {
  const $metadata = { httpStatusCode: status }
  if (status >= 300) {
    const text = (await readErrorBody(body, status)).toString()
    const [, name = 'unknown'] = /<Code>(\w{1,64})<\/Code>/.exec(text) ?? []
    throw Object.assign(new Error('S3 answered with an error'), { name, $metadata })
  }
  const field = (name: string): string | undefined => {
    const value = headers[name]
    return typeof value === 'string' ? value : undefined // a repeated field counts as absent
  }
  const length = field('content-length')
  return {
    $metadata,
    ETag: field('etag'),
    VersionId: field('x-amz-version-id'),
    ContentLength: length === undefined ? undefined : Number(length),
    ContentRange: field('content-range'),
    ContentEncoding: field('content-encoding'),
    LastModified: readLastModified(field('last-modified')),
    ChecksumCRC32: field('x-amz-checksum-crc32'),
    ChecksumCRC64NVME: field('x-amz-checksum-crc64nvme'),
    ChecksumSHA256: field('x-amz-checksum-sha256'),
    ChecksumType: field('x-amz-checksum-type') === 'FULL_OBJECT' ? 'FULL_OBJECT' : undefined,
    Body: body,
  }
}

/**
 * Whether the service has decompressed the object on the way. Google's does, unless the request accepts gzip. The response then has
 * neither the length of the object nor a strong entity-tag, so the request must be sent again with `Accept-Encoding: gzip`.
 *
 * That field cannot be sent with every request: a gateway in front of another service might then compress objects on the way. And it
 * must not be signed: Google's front end changes it.
 */
export const isTranscoded = (headers: unknown): boolean =>
  member(headers, 'x-goog-stored-content-encoding') === 'gzip' &&
  member(headers, 'content-encoding') === undefined

/**
 * Parses the `Last-Modified` of a store: an HTTP-date (RFC 9110 §5.6.7), a date in another time zone, or an ISO 8601 date.
 *
 * @returns `undefined`: the text is not a date, or has no time zone
 */
export function readLastModified(field: string | undefined): Date | undefined {
  if (field === undefined || field.length > 64 || !ZONE.test(field)) return undefined
  const date = new Date(field)
  return Number.isNaN(date.getTime()) ? undefined : date
}

const ZONE = /(?:Z|GMT|UTC?|[ECMP][SD]T|[+-]\d\d:?\d\d)$/
