import type { ContainerClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { type AzureBlobStoreOptions, openAzureBlobStore } from './azure-blob/store.ts'
import { prefix } from './check-options.ts'
import { createUpstream, defaultRuntime, type Upstream } from './upstream/upstream.ts'

/**
 * A store of blobs in an Azure container.
 *
 * Every download is one `Get Blob`, whole or of one range, and what comes back is checked against what was asked:
 * status, ETag, Content-Range, Content-Length. A blob's validator is its ETag as Azure writes it, with the quotes; where
 * the account keeps versions, `"etag"@versionId`, and such a blob is re-opened by its version. A blob stored with
 * `Content-Encoding: gzip` stays as it is stored. Azure keeps no SHA-256, so none is told.
 *
 * Refuses `'upstream_error'` for a wrong answer: no such container, no access, an expired signature, an archived blob, a
 * gateway's page. Refuses `'unavailable'` for none: refused or lost connections, 429, 5xx, and no head of an answer
 * within 10 s. After 20 of these in a row it asks nobody for 1 to 5 s, then sends one probe. No refusal carries anything
 * of the service's. An answer that opens no blob may have a body of 64 KiB and take 2 s for it; then its connection is
 * closed. No redirect is followed.
 *
 * The client stays the host's: requests go through a second one with the same URL, credential, options and policies. It
 * retries by itself, for longer than anybody waits here: give it
 * `retryOptions: { maxTries: 2, retryDelayInMs: 50, maxRetryDelayInMs: 500 }`.
 *
 * @param options - `prefix`: segments above every key, joined with one `/`, that no key can leave
 * @defaultValue prefix: none
 * @throws TypeError that names each wrong option
 */
export function createAzureBlobStore(options: {
  readonly container: ContainerClient
  readonly prefix?: string
}): ExportStore {
  check.checkOptions('createAzureBlobStore', options, azureOptions)
  return openAzureBlobStore(options, upstreamOf(options.container))
}

const azureOptions = check.object<AzureBlobStoreOptions>('{ container, prefix? }', {
  container: check.withMethods<ContainerClient>(
    'new ContainerClient(…) of @azure/storage-blob',
    'getBlobClient',
  ),
  prefix: prefix.optional(),
})

const upstreams = new WeakMap<ContainerClient, Upstream>()

// The client opens as many connections as it is asked for: how many that may be is for the host's limits to say.
function upstreamOf(container: ContainerClient): Upstream {
  const upstream =
    upstreams.get(container) ?? createUpstream({ ...defaultRuntime, connections: () => Infinity })
  upstreams.set(container, upstream)
  return upstream
}
