import {
  GetObjectCommand,
  HeadObjectCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3'
import type { ExportStore } from '@sallyport/core'

import { joinKey, trimPrefix } from '../object-key.ts'
import { type Answer, describeObject, openAnswer, type OpenPinned, pinnedStore } from '../upstream/answer.ts'
import type { Fault } from '../upstream/fault.ts'
import { discardBody } from '../upstream/open-body.ts'
import { createStoreTroubles } from '../upstream/trouble.ts'
import type { StoreRequest, Upstream } from '../upstream/upstream.ts'
import { createBucketCheck } from './bucket-check.ts'
import { classifyS3Error, isRetryable } from './fault.ts'
import type { S3StoreOptions } from './options.ts'
import { singleAttempt } from './single-attempt.ts'

/** The fields of a GET response that the store uses, from the SDK client or from another one. */
export type S3GetAnswer = S3Answer & { readonly Body?: unknown }

/** Sends one GET in place of the SDK client, or by calling `byClient`. */
export type SendGet = (
  input: GetObjectCommandInput,
  byClient: () => Promise<S3GetAnswer>,
  signal: AbortSignal,
) => Promise<S3GetAnswer>

/**
 * Opens the store of `createS3Store`, with the upstream passed in.
 *
 * @defaultValue sendGet: every GET goes through the SDK client
 */
export function openS3Store(
  options: S3StoreOptions,
  upstream: Upstream,
  sendGet: SendGet = (_, byClient) => byClient(),
): ExportStore {
  const { client, bucket, bucketOwner, forbiddenIsMissing = false, keys, validator } = options
  const prefix = trimPrefix(options.prefix)
  const withoutRetries = singleAttempt(client)
  const troubles = createStoreTroubles()
  const locationOf = (key: string) => ({
    Bucket: bucket,
    Key: joinKey(prefix, key, keys),
    ...(bucketOwner !== undefined && { ExpectedBucketOwner: bucketOwner }),
  })
  const rules = (pinned: boolean): Pick<StoreRequest<unknown>, 'classify' | 'isRetryable'> => ({
    classify: (error) => classifyS3Error(error, { pinned, forbiddenIsMissing }),
    isRetryable: (fault) => isRetryable(fault, pinned),
  })

  // Never aborted, because all callers of 10 s share it. The upstream's deadline bounds it.
  const checkBucket = createBucketCheck(async (key) => {
    const input = { ...locationOf(key), Range: 'bytes=0-0' }
    const lease = await upstream.run<S3GetAnswer>(
      {
        classify: (error) => asMissing(classifyS3Error(error, { pinned: false, forbiddenIsMissing })),
        isRetryable: (fault) => isRetryable(fault, false),
        discard: ({ Body }) => discardBody(Body),
        send: (abortSignal) =>
          client.send(withoutRetries(new GetObjectCommand(input), 'unchecked'), { abortSignal }),
      },
      new AbortController().signal,
    )
    lease?.release()
    discardBody(lease?.answer.Body)
  })

  const head: ExportStore['head'] = async (key, signal) => {
    // On a HEAD it costs nothing. On a GET the client would hash every byte, so there the host's configuration decides.
    const input = { ...locationOf(key), ChecksumMode: 'ENABLED' as const }
    const lease = await upstream.run(
      {
        ...rules(false),
        discard: () => {},
        send: (abortSignal) => client.send(withoutRetries(new HeadObjectCommand(input)), { abortSignal }),
      },
      signal,
    )
    lease?.release()
    if (lease) return describeObject(answerOf(lease.answer), { troubles, validator })
    await checkBucket(key, signal)
    return undefined
  }

  const open: OpenPinned = async (key, { range, ifMatch }, pin, signal) => {
    const input = {
      ...locationOf(key),
      ...(range && { Range: `bytes=${range.first}-${range.last}` }),
      ...(pin?.etag !== undefined && { IfMatch: pin.etag }),
      ...(pin?.version !== undefined && { VersionId: pin.version }),
    }
    const byClient = (abortSignal: AbortSignal): Promise<S3GetAnswer> =>
      client.send(withoutRetries(new GetObjectCommand(input), range ? 'unchecked' : 'as configured'), {
        abortSignal,
      })
    const send = (abortSignal: AbortSignal): Promise<S3GetAnswer> =>
      sendGet(input, () => byClient(abortSignal), abortSignal)
    const discard = ({ Body }: S3GetAnswer): void => discardBody(Body)
    const lease = await upstream.run({ ...rules(pin !== undefined), send, discard }, signal)
    return (
      lease &&
      openAnswer(
        lease,
        lease.answer.Body,
        answerOf(lease.answer),
        { range, ifMatch, troubles, validator },
        classifyBodyError,
      )
    )
  }

  return {
    ...pinnedStore(head, open, validator),
    connections: { pool: upstream.pool, perDownload: 1 },
    onTrouble: troubles.onTrouble,
  }
}

/** A 416 to a range of one byte says that the object is empty. For the check of the bucket it is the same as a missing one. */
const asMissing = (fault: Fault): Fault => (fault.status === 416 ? { ...fault, kind: 'missing' } : fault)

type S3Answer = Pick<
  GetObjectCommandOutput,
  | '$metadata'
  | 'ETag'
  | 'VersionId'
  | 'ContentLength'
  | 'ContentRange'
  | 'ContentEncoding'
  | 'LastModified'
  | 'ChecksumSHA256'
  | 'ChecksumType'
>

const answerOf = (answer: S3Answer): Answer => ({
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

// The SDK's own message. If the host has not turned it off, the SDK checks the checksum of a whole body after the last byte.
const classifyBodyError = (error: unknown): 'unavailable' | 'upstream_error' =>
  error instanceof Error && error.message.startsWith('Checksum mismatch') ? 'upstream_error' : 'unavailable'
