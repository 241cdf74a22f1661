import type { S3Client } from '@aws-sdk/client-s3'
import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { s3Options } from './s3/options.ts'
import { openS3Store } from './s3/store.ts'
import { upstreamOf } from './s3/upstream-of.ts'

/**
 * Creates a store of the objects in a bucket of S3 or of a service with its protocol.
 *
 * Every download is one `GetObject`, without a range or with one. The store checks the status, ETag, Content-Range and
 * Content-Length of the response against the request. The validator of an object is its ETag, with the quotes. If the bucket
 * keeps versions, the validator is `"etag"@versionId`, and the object is re-opened by its version (the role then needs
 * `s3:GetObjectVersion`). An object that is stored with `Content-Encoding: gzip` is not decoded.
 *
 * - `'upstream_error'`: a wrong response, or a key that `keys` refuses. The bucket is missing (if a HEAD is answered with 404, a
 *   GET of one byte tells whether it is; the store sends one at most once in 10 s), access is denied, the credentials have expired, the object is
 *   archived, or a gateway sent an error page.
 * - `'unavailable'`: no usable response. The connection was refused or lost, the status is 429 or 5xx, or no response head came
 *   within 10 s, including the wait for a free connection. After 20 of these in a row, the store sends no request for 1 to 5 s,
 *   and then one probe.
 *
 * A refusal contains no text from the service. The body of an error response may have 64 KiB and take 2 s; after that its
 * connection is closed. Redirects are not followed, except by the client's own `followRegionRedirects`.
 *
 * The client belongs to the host: the store uses its credentials, region and endpoint, and never destroys it. The store replaces
 * the client's retries: a request that may succeed the second time is sent at most twice, within a retry budget that all stores
 * of this client share. At most as many bodies are open at a time as the client has sockets
 * (`requestHandler.httpsAgent.maxSockets`, 50 by default). Raise that number for more concurrent downloads. Do not set
 * `requestTimeout` and `socketTimeout`: `socketTimeout` cuts the downloads of slow readers.
 *
 * The SDK checks S3's checksums if the client's `responseChecksumValidation` is `'WHEN_SUPPORTED'`, its default; for whole
 * objects only, after the last byte. CRC-64/NVME costs about 2 ms of CPU per MiB. `'WHEN_REQUIRED'` turns the check off. A
 * SHA-256 of the whole object becomes `Repr-Digest`.
 *
 * @param options - `prefix`: segments that are put before every key with one `/`. No key can leave it.
 *   `bucketOwner`: the account of 12 digits that must own the bucket. S3 refuses requests to a bucket of another account.
 *   `forbiddenIsMissing`: `true` if the role lacks `s3:ListBucket`. S3 then answers 403 for a missing object.
 *   `keys`: `'strict'` refuses a key with an empty, `.` or `..` segment or a backslash, because a catalogue that holds one is most
 *   likely wrong. `'literal'` sends every key exactly as the record has it; S3 does not interpret it.
 *   `validator`: for services whose ETags are missing, weak or malformed. `'version'`: the object's version, in a bucket that keeps
 *   versions. `'lastModified+size'`: an object that is overwritten within the same second by one of the same size is not noticed.
 * @defaultValue prefix: none; bucketOwner: not checked; forbiddenIsMissing: `false`; keys: `'strict'`; validator: a strong ETag, and
 *   the version if the bucket keeps versions
 * @throws TypeError that names each wrong option
 */
export function createS3Store(options: {
  readonly client: S3Client
  readonly bucket: string
  readonly prefix?: string
  readonly bucketOwner?: string
  readonly forbiddenIsMissing?: boolean
  readonly keys?: 'strict' | 'literal'
  readonly validator?: 'version' | 'lastModified+size'
}): ExportStore {
  check.checkOptions('createS3Store', options, s3Options)
  return openS3Store(options, upstreamOf(options.client))
}
