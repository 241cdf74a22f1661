import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { checkHandler } from './s3-signed/plain-handler.ts'
import { openSignedS3Store } from './s3-signed/store.ts'
import { type S3StoreOptions, s3Options } from './s3/options.ts'
import { upstreamOf } from './s3/upstream-of.ts'

export type { S3StoreOptions } from './s3/options.ts'

/**
 * The store of `createS3Store` for many small exports: a `get` goes by a URL that the client's credentials signed once for
 * this object and version, on connections of its own. That takes a small part of the CPU of a call of the SDK, also the first
 * time. `head` stays the client's. Needs `undici` and `@aws-sdk/s3-request-presigner` beside `@aws-sdk/client-s3`.
 *
 * A GET by URL does not use the client's middleware, timeouts, retries and check of S3's checksums. A setting that would change
 * where or how it connects is refused. Validators, refusals, deadlines, the retry budget and the number of bodies open at a time
 * are those of `createS3Store`, and both stores of one client share them.
 *
 * A URL is signed for 15 minutes, or for as long as its credentials last if that is shorter, and used until a minute
 * before that. 10,000 are kept; other credentials empty them. No diagnostics channel of Node or undici shows one, nor a
 * part of one, and nothing is logged: undici gets a number in place of the path, and the path replaces it as the head
 * is written to the socket.
 *
 * For a status other than 200, 206, 412, 416, 429 and 5xx, the same GET is sent once through the client, and its result
 * counts. A GET that cannot be signed also goes through the client: for a directory bucket, with middleware that adds
 * headers, and with credentials in their last minute. If the client succeeds where the URL was refused, all GETs use the
 * client for 10 s.
 *
 * @param options - `client`: its `requestHandler` must be the SDK's own, with no more than timeouts and numbers of sockets
 * @throws TypeError that names the option, where it is unknown, or client, bucket, prefix or bucketOwner cannot be one.
 *   The SDK tells an agent's settings only later: for these `head` and `get` reject with it, and send nothing
 */
export function createSignedS3Store(options: S3StoreOptions): ExportStore {
  check.checkOptions('createSignedS3Store', options, s3Options)
  const { client } = options
  checkHandler(client)
  return openSignedS3Store(options, upstreamOf(client))
}
