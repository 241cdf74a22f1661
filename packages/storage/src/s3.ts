import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { type S3StoreOptions, s3Options } from './s3/options.ts'
import { openS3Store } from './s3/store.ts'
import { upstreamOf } from './s3/upstream-of.ts'

export type { S3StoreOptions } from './s3/options.ts'

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
 * The SDK sends the first request. The store then knows how the SDK reaches the bucket: it signs the other requests by itself, in the
 * `Authorization` header, and sends them by undici. It asks the SDK to send a request again that was answered with a redirect, 400,
 * 401 or 403. The SDK sends all requests if the client has middleware, an endpoint resolver, a request handler or an agent of the
 * host's, and for directory buckets and multi-region access points.
 *
 * The client belongs to the host: the store uses its credentials, clock, region, endpoint and TLS settings, and never destroys it. The
 * store replaces the client's retries: a request that may succeed the second time is sent at most twice, within a retry budget that
 * all stores of this client share. At most as many bodies are open at a time as the client has sockets
 * (`requestHandler.httpsAgent.maxSockets`, 50 by default). Raise that number for more concurrent downloads. Do not set
 * `requestTimeout` and `socketTimeout`: where the SDK sends, `socketTimeout` cuts the downloads of slow readers.
 *
 * A SHA-256 of the whole object becomes `Repr-Digest`. The checksums that S3 keeps are verified with `verifyChecksums`; the client's
 * `responseChecksumValidation` has no effect.
 *
 * @throws TypeError that names each wrong option
 */
export function createS3Store(options: S3StoreOptions): ExportStore {
  check.checkOptions('createS3Store', options, s3Options)
  return openS3Store(options, upstreamOf(options.client))
}
