import type { ContainerClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { type AzureBlobStoreOptions, openAzureBlobStore } from './azure-blob/store.ts'
import { keys, prefix } from './check-options.ts'
import { createUpstream, defaultRuntime, type Upstream } from './upstream/upstream.ts'

/**
 * Creates a store of the blobs in an Azure container.
 *
 * Every download is one `Get Blob`, without a range or with one. The store checks the status, ETag, Content-Range and
 * Content-Length of the response against the request. The validator of a blob is its ETag, with the quotes. If the account
 * keeps versions, the validator is `"etag"@versionId`, and the blob is re-opened by its version. A blob that is stored with
 * `Content-Encoding: gzip` is not decoded. Azure does not keep a SHA-256, so `head` and `get` give none.
 *
 * - `'upstream_error'`: a wrong response. The container is missing, the blob marks a folder (`hdi_isfolder`), access is denied, a signature has expired, the blob is
 *   archived, or a gateway sent an error page.
 * - `'unavailable'`: no usable response. The connection was refused or lost, the status is 429 or 5xx, or no response head came
 *   within 10 s. After 20 of these in a row, the store sends no request for 1 to 5 s, and then one probe.
 *
 * A refusal contains no text from the service. The body of an error response may have 64 KiB and take 2 s; after that its
 * connection is closed. Redirects are not followed.
 *
 * The store does not change the host's client: it sends its requests through a second client with the same URL, credential,
 * options and policies. The SDK retries by itself, by default for longer than the store waits. So give the client
 * `retryOptions: { maxTries: 2, retryDelayInMs: 50, maxRetryDelayInMs: 500 }`.
 *
 * @param options - `prefix`: segments that are put before every key with one `/`. No key can leave it.
 *   `keys`: `'strict'` refuses a key with an empty, `.` or `..` segment or a backslash. `'literal'` sends a key exactly as the record
 *   has it. It refuses `.` and `..` segments too, because the SDK would resolve them.
 * @defaultValue prefix: none; keys: `'strict'`
 * @throws TypeError that names each wrong option
 */
export function createAzureBlobStore(options: {
  readonly container: ContainerClient
  readonly prefix?: string
  readonly keys?: 'strict' | 'literal'
}): ExportStore {
  check.checkOptions('createAzureBlobStore', options, azureOptions)
  return openAzureBlobStore(options, upstreamOf(options.container))
}

const azureOptions = check.object<AzureBlobStoreOptions>('{ container, prefix?, keys? }', {
  container: check.withMethods<ContainerClient>(
    'new ContainerClient(…) of @azure/storage-blob',
    'getBlobClient',
  ),
  prefix: prefix.optional(),
  keys: keys.optional(),
})

const upstreams = new WeakMap<ContainerClient, Upstream>()

// The Azure client opens a connection for every request, so only the host's own limits bound their number.
function upstreamOf(container: ContainerClient): Upstream {
  const upstream =
    upstreams.get(container) ?? createUpstream({ ...defaultRuntime, connections: () => Infinity })
  upstreams.set(container, upstream)
  return upstream
}
