import {
  GetObjectCommand,
  HeadObjectCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3'
import type { ExportStore } from '@sallyport/core'

import { joinKey, trimPrefix } from '../object-key.ts'
import { type Answer, describeObject } from '../upstream/object-answer.ts'
import { openAnswer } from '../upstream/open-answer.ts'
import { discardBody } from '../upstream/open-body.ts'
import { type OpenPinned, pinnedStore } from '../upstream/pinned-store.ts'
import type { Question, Upstream } from '../upstream/upstream.ts'
import { judgeS3, worthAnother } from './fault.ts'
import type { S3StoreOptions } from './options.ts'
import { singleAttempt } from './single-attempt.ts'

/** What of the service's answer to a GET counts, whoever read it. */
export type S3GetAnswer = S3Answer & { readonly Body?: unknown }

/** Sends one GET by another way than the client's, or by the client's after all. */
export type SendGet = (
  input: GetObjectCommandInput,
  byClient: () => Promise<S3GetAnswer>,
  signal: AbortSignal,
) => Promise<S3GetAnswer>

/**
 * The store of `createS3Store`, on a given way to the service.
 *
 * @defaultValue sendGet: every GET is the client's
 */
export function openS3Store(
  options: S3StoreOptions,
  upstream: Upstream,
  sendGet: SendGet = (_, byClient) => byClient(),
): ExportStore {
  const { client, bucket, bucketOwner, forbiddenIsMissing = false } = options
  const prefix = trimPrefix(options.prefix)
  const once = singleAttempt(client)
  const place = (key: string) => ({
    Bucket: bucket,
    Key: joinKey(prefix, key),
    ...(bucketOwner !== undefined && { ExpectedBucketOwner: bucketOwner }),
  })
  const rules = (pinned: boolean): Pick<Question<unknown>, 'judge' | 'again'> => ({
    judge: (error) => judgeS3(error, { pinned, forbiddenIsMissing }),
    again: (fault) => worthAnother(fault, pinned),
  })

  const head: ExportStore['head'] = async (key, signal) => {
    // Costs nothing here. On a GET it would have the client hash every byte, which is the host's choice.
    const input = { ...place(key), ChecksumMode: 'ENABLED' as const }
    const held = await upstream.ask(
      {
        ...rules(false),
        discard: () => {},
        send: (abortSignal) => client.send(once(new HeadObjectCommand(input)), { abortSignal }),
      },
      signal,
    )
    held?.release()
    return held && describeObject(answerOf(held.answer), {})
  }

  const open: OpenPinned = async (key, { range, ifMatch }, pin, signal) => {
    const input = {
      ...place(key),
      ...(range && { Range: `bytes=${range.first}-${range.last}` }),
      ...(pin && { IfMatch: pin.etag }),
      ...(pin?.version !== undefined && { VersionId: pin.version }),
    }
    const byClient = (abortSignal: AbortSignal): Promise<S3GetAnswer> =>
      client.send(once(new GetObjectCommand(input), range ? 'unchecked' : 'as configured'), { abortSignal })
    const send = (abortSignal: AbortSignal): Promise<S3GetAnswer> =>
      sendGet(input, () => byClient(abortSignal), abortSignal)
    const discard = ({ Body }: S3GetAnswer): void => discardBody(Body)
    const held = await upstream.ask({ ...rules(pin !== undefined), send, discard }, signal)
    return held && openAnswer(held, held.answer.Body, answerOf(held.answer), { range, ifMatch }, judgeBody)
  }

  return { ...pinnedStore(head, open), connections: { pool: upstream.pool, perDownload: 1 } }
}

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
  version: answer.VersionId === 'null' ? undefined : answer.VersionId, // laid there before the bucket kept versions
  length: answer.ContentLength,
  contentRange: answer.ContentRange,
  contentEncoding: answer.ContentEncoding,
  lastModified: answer.LastModified,
  sha256: sha256Of(answer),
})

// A sum of sums, marked COMPOSITE and -N, is no digest of the object.
function sha256Of({ ChecksumSHA256: sum, ChecksumType: type }: S3Answer): string | undefined {
  return type === 'FULL_OBJECT' && sum !== undefined && /^[A-Za-z0-9+/]{43}=$/.test(sum)
    ? Buffer.from(sum, 'base64').toString('hex')
    : undefined
}

// The client's own words, where the host has it check a whole body's sum; it says so after the last byte.
const judgeBody = (error: unknown): 'unavailable' | 'upstream_error' =>
  error instanceof Error && error.message.startsWith('Checksum mismatch') ? 'upstream_error' : 'unavailable'
