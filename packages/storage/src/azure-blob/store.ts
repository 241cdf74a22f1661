import type { BlobClient, BlobDownloadResponseParsed, ContainerClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'

import { joinKey, trimPrefix } from '../object-key.ts'
import { type Answer, describeObject, openAnswer, type OpenPinned, pinnedStore } from '../upstream/answer.ts'
import { streamBody } from '../upstream/response-body.ts'
import { createStoreTroubles } from '../upstream/trouble.ts'
import type { StoreRequest, Upstream } from '../upstream/upstream.ts'
import { boundedContainer } from './bounded-container.ts'
import { classifyAzureError } from './fault.ts'

/** The options of `createAzureBlobStore`. */
export interface AzureBlobStoreOptions {
  readonly container: ContainerClient
  readonly prefix?: string
  readonly keys?: 'strict' | 'literal'
}

/** Opens the store of `createAzureBlobStore`, with the upstream passed in. */
export function openAzureBlobStore(
  { container, prefix: givenPrefix, keys }: AzureBlobStoreOptions,
  upstream: Upstream,
): ExportStore {
  const prefix = trimPrefix(givenPrefix)
  const troubles = createStoreTroubles()
  const bounded = boundedContainer(container)
  const blobOf = (key: string): BlobClient =>
    bounded.getBlobClient(joinKey(prefix, key, keys === 'literal' ? 'no dots' : keys))
  // The SDK client retries by itself, as the host configured it. The upstream's deadline bounds that.
  const rules = (pinned: boolean): Pick<StoreRequest<unknown>, 'classify' | 'isRetryable'> => ({
    classify: (error) => classifyAzureError(error, pinned),
    isRetryable: () => false,
  })

  const head: ExportStore['head'] = async (key, signal) => {
    const blob = blobOf(key)
    const send = (abortSignal: AbortSignal) => blob.getProperties({ abortSignal })
    const lease = await upstream.run({ ...rules(false), send, discard: () => {} }, signal)
    lease?.release()
    return lease && describeObject(answerOf(lease.answer), { troubles })
  }

  const open: OpenPinned = async (key, { range, ifMatch }, pin, signal) => {
    const blob = pin?.version === undefined ? blobOf(key) : blobOf(key).withVersion(pin.version)
    const send = (abortSignal: AbortSignal): Promise<BlobDownloadResponseParsed> =>
      blob.download(range?.first, range && range.last - range.first + 1, {
        abortSignal,
        maxRetryRequests: 0, // the SDK ignores it today; with retries, a cut would be hidden
        conditions: pin?.etag === undefined ? {} : { ifMatch: pin.etag },
      })
    const discard = ({ readableStreamBody }: BlobDownloadResponseParsed): void =>
      streamBody(readableStreamBody)?.close()
    const lease = await upstream.run({ ...rules(pin !== undefined), send, discard }, signal)
    return (
      lease &&
      openAnswer(lease, streamBody(lease.answer.readableStreamBody), answerOf(lease.answer), {
        range,
        ifMatch,
        troubles,
      })
    )
  }

  return { ...pinnedStore(head, open), onTrouble: troubles.onTrouble }
}

type AzureAnswer = Pick<
  BlobDownloadResponseParsed,
  'etag' | 'versionId' | 'contentLength' | 'contentRange' | 'contentEncoding' | 'lastModified' | 'metadata'
> & { readonly _response: { readonly status: number } }

function answerOf(answer: AzureAnswer): Answer {
  const { _response: response } = answer
  return {
    status: response.status,
    etag: answer.etag,
    version: answer.versionId,
    length: answer.contentLength,
    contentRange: answer.contentRange,
    contentEncoding: answer.contentEncoding,
    lastModified: Number.isNaN(answer.lastModified?.getTime()) ? undefined : answer.lastModified,
    isFolder: isFolder(answer.metadata),
  }
}

/** Accounts with a hierarchical namespace, and tools that imitate one, keep folders as empty blobs with this mark. */
const isFolder = (metadata: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(metadata).some(([name, value]) => /^hdi_isfolder$/i.test(name) && /^true$/i.test(value))
