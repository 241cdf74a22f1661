import type { S3Client } from '@aws-sdk/client-s3'
import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { s3Options } from './s3/options.ts'
import { openS3Store } from './s3/store.ts'
import { upstreamOf } from './s3/upstream-of.ts'

/**
 * A store of objects in an S3 bucket, or in one that speaks its protocol.
 *
 * Every download is one `GetObject`, whole or of one range, and what comes back is checked against what was asked:
 * status, ETag, Content-Range, Content-Length. An object's validator is its ETag as S3 writes it, with the quotes; where
 * the bucket keeps versions, `"etag"@versionId`, and such an object is re-opened by its version (the role then needs
 * `s3:GetObjectVersion`). An object stored with `Content-Encoding: gzip` stays as it is stored.
 *
 * Refuses `'upstream_error'` for a wrong answer: no such bucket, no access, expired credentials, an archived object, a
 * gateway's page. Refuses `'unavailable'` for none: refused or lost connections, 429, 5xx, and no head of an answer
 * within 10 s, in which the wait for a free connection counts. After 20 of these in a row it asks nobody for 1 to 5 s,
 * then sends one probe. No refusal carries anything of the service's. An answer that opens no object may have a body of
 * 64 KiB and take 2 s for it; then its connection is closed. No redirect is followed, except those of the client's own
 * `followRegionRedirects`.
 *
 * The client stays the host's: its credentials, region and endpoint are used, and it is never destroyed here. Its own
 * retries stand aside; a request that may fare better is sent twice at most, within a budget shared by all stores of
 * this client. At most as many bodies are open at a time as it has sockets (`requestHandler.httpsAgent.maxSockets`,
 * 50 by default): raise that for more downloads at a time. Leave its `requestTimeout` and `socketTimeout` unset, for the
 * latter cuts slow readers.
 *
 * The sums that S3 keeps are checked where the client was told to (`responseChecksumValidation`, by default
 * `'WHEN_SUPPORTED'`), on whole objects only, after the last byte. CRC-64/NVME costs about 2 ms of CPU per MiB:
 * `'WHEN_REQUIRED'` turns it off. A SHA-256 of the whole object becomes `Repr-Digest`.
 *
 * @param options - `prefix`: segments above every key, joined with one `/`, that no key can leave.
 *   `bucketOwner`: the account that must own the bucket, of 12 digits; S3 then refuses another's.
 *   `forbiddenIsMissing`: `true` for a role without `s3:ListBucket`, to whom S3 says 403 where there is nothing.
 * @defaultValue prefix: none; bucketOwner: not asked; forbiddenIsMissing: `false`
 * @throws TypeError that names each wrong option
 */
export function createS3Store(options: {
  readonly client: S3Client
  readonly bucket: string
  readonly prefix?: string
  readonly bucketOwner?: string
  readonly forbiddenIsMissing?: boolean
}): ExportStore {
  check.checkOptions('createS3Store', options, s3Options)
  return openS3Store(options, upstreamOf(options.client))
}
