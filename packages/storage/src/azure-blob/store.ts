import type { BlobClient, BlobDownloadResponseParsed, ContainerClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'

import { joinKey, trimPrefix } from '../object-key.ts'
import { type Answer, describeObject } from '../upstream/object-answer.ts'
import { openAnswer } from '../upstream/open-answer.ts'
import { discardBody } from '../upstream/open-body.ts'
import { type OpenPinned, pinnedStore } from '../upstream/pinned-store.ts'
import type { Question, Upstream } from '../upstream/upstream.ts'
import { boundedContainer } from './bounded-container.ts'
import { judgeAzure } from './fault.ts'

/** Where an Azure store looks. */
export interface AzureBlobStoreOptions {
  readonly container: ContainerClient
  readonly prefix?: string
}

/** The store of `createAzureBlobStore`, on a given way to the service. */
export function openAzureBlobStore(
  { container, prefix: above }: AzureBlobStoreOptions,
  upstream: Upstream,
): ExportStore {
  const prefix = trimPrefix(above)
  const bounded = boundedContainer(container)
  const blobOf = (key: string): BlobClient => bounded.getBlobClient(joinKey(prefix, key))
  // The client tries again by itself, as its host set it: the deadline is what bounds it.
  const rules = (pinned: boolean): Pick<Question<unknown>, 'judge' | 'again'> => ({
    judge: (error) => judgeAzure(error, pinned),
    again: () => false,
  })

  const head: ExportStore['head'] = async (key, signal) => {
    const blob = blobOf(key)
    const send = (abortSignal: AbortSignal) => blob.getProperties({ abortSignal })
    const held = await upstream.ask({ ...rules(false), send, discard: () => {} }, signal)
    held?.release()
    return held && describeObject(answerOf(held.answer), {})
  }

  const open: OpenPinned = async (key, { range, ifMatch }, pin, signal) => {
    const blob = pin?.version === undefined ? blobOf(key) : blobOf(key).withVersion(pin.version)
    const send = (abortSignal: AbortSignal): Promise<BlobDownloadResponseParsed> =>
      blob.download(range?.first, range && range.last - range.first + 1, {
        abortSignal,
        maxRetryRequests: 0, // it has no effect, and would hide a cut if it had
        conditions: pin ? { ifMatch: pin.etag } : {},
      })
    const discard = ({ readableStreamBody }: BlobDownloadResponseParsed): void =>
      discardBody(readableStreamBody)
    const held = await upstream.ask({ ...rules(pin !== undefined), send, discard }, signal)
    return held && openAnswer(held, held.answer.readableStreamBody, answerOf(held.answer), { range, ifMatch })
  }

  return pinnedStore(head, open)
}

type AzureAnswer = Pick<
  BlobDownloadResponseParsed,
  'etag' | 'versionId' | 'contentLength' | 'contentRange' | 'contentEncoding' | 'lastModified'
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
    lastModified: answer.lastModified,
  }
}
