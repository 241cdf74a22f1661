import type { ExportStore } from '@sallyport/core'

import { joinKey, trimPrefix } from '../object-key.ts'
import { describeObject, openAnswer, type OpenPinned, pinnedStore } from '../upstream/answer.ts'
import type { Fault } from '../upstream/fault.ts'
import { createStoreTroubles } from '../upstream/trouble.ts'
import type { Lease, Upstream } from '../upstream/upstream.ts'
import { answerOf, type S3Answer } from './answer.ts'
import { createBucketCheck } from './bucket-check.ts'
import { checksumOf } from './checksum.ts'
import { classifyS3Error, isRetryable } from './fault.ts'
import type { S3StoreOptions } from './options.ts'
import type { S3Request } from './sdk-request.ts'
import { createSend } from './send.ts'

/**
 * Opens the store of `createS3Store`, with the upstream passed in.
 *
 * @param now - milliseconds since 1970
 */
export function openS3Store(options: S3StoreOptions, upstream: Upstream, now?: () => number): ExportStore {
  const { client, bucket, bucketOwner, forbiddenIsMissing = false, keys, validator } = options
  const prefix = trimPrefix(options.prefix)
  const send = createSend(client, now)
  const troubles = createStoreTroubles()
  const locationOf = (key: string) => ({
    Bucket: bucket,
    Key: joinKey(prefix, key, keys),
    ...(bucketOwner !== undefined && { ExpectedBucketOwner: bucketOwner }),
  })
  const run = (
    request: S3Request,
    pinned: boolean,
    signal: AbortSignal,
    reclassify = (fault: Fault): Fault => fault,
  ): Promise<Lease<S3Answer> | undefined> =>
    upstream.run(
      {
        classify: (error) => reclassify(classifyS3Error(error, { pinned, forbiddenIsMissing })),
        isRetryable: (fault) => isRetryable(fault, pinned),
        discard: ({ Body }) => Body?.close(),
        send: (attempt) => send(request, attempt),
      },
      signal,
    )

  // Never aborted, because all callers of 10 s share it. The upstream's deadline bounds it.
  const checkBucket = createBucketCheck(async (key) => {
    const input = { ...locationOf(key), Range: 'bytes=0-0' }
    const lease = await run({ method: 'GET', input }, false, new AbortController().signal, asMissing)
    lease?.release()
    lease?.answer.Body?.close()
  })

  const head: ExportStore['head'] = async (key, signal) => {
    const input = { ...locationOf(key), ChecksumMode: 'ENABLED' } as const
    const lease = await run({ method: 'HEAD', input }, false, signal)
    lease?.release()
    if (lease) return describeObject(answerOf(lease.answer), { troubles, validator })
    await checkBucket(key, signal)
    return undefined
  }

  const open: OpenPinned = async (key, { range, ifMatch, borrow }, pin, signal) => {
    const input: S3Request['input'] = {
      ...locationOf(key),
      ...(range ? { Range: `bytes=${range.first}-${range.last}` } : { ChecksumMode: 'ENABLED' }),
      ...(pin?.etag !== undefined && { IfMatch: pin.etag }),
      ...(pin?.version !== undefined && { VersionId: pin.version }),
    }
    const lease = await run({ method: 'GET', input }, pin !== undefined, signal)
    if (!lease) return undefined
    const { answer } = lease
    const checksum = options.verifyChecksums && !range ? checksumOf(answer) : undefined
    return openAnswer(lease, answer.Body, answerOf(answer), {
      range,
      ifMatch,
      troubles,
      validator,
      borrow,
      checksum,
    })
  }

  return {
    ...pinnedStore(head, open, validator),
    connections: { pool: upstream.pool, perDownload: 1 },
    onTrouble: troubles.onTrouble,
  }
}

/** A 416 to a range of one byte says that the object is empty. For the check of the bucket it is the same as a missing one. */
const asMissing = (fault: Fault): Fault => (fault.status === 416 ? { ...fault, kind: 'missing' } : fault)
