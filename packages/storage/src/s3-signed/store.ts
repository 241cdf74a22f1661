import type { GetObjectCommandInput, S3Client } from '@aws-sdk/client-s3'
import type { ExportStore } from '@sallyport/core'

import type { S3StoreOptions } from '../s3/options.ts'
import { openS3Store, type S3GetAnswer, type SendGet } from '../s3/store.ts'
import { isTranscoded } from '../s3/transcoding.ts'
import { socketsOf } from '../s3/upstream-of.ts'
import { membersOf } from '../upstream/fault.ts'
import { readLastModified } from '../upstream/last-modified.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { checkAgents } from './plain-handler.ts'
import { OWNER } from './presign.ts'
import { createSignedUrls } from './signed-urls.ts'
import { createSignedWay, type SignedAnswer, type SignedWay } from './signed-way.ts'

const KNOWN = 10_000
const REST_MS = 10_000

/**
 * The store of `createSignedS3Store`, on a given upstream.
 *
 * @param now - milliseconds since 1970
 */
export function openSignedS3Store(
  options: S3StoreOptions,
  upstream: Upstream,
  now: () => number = Date.now,
): ExportStore {
  const { client } = options
  const checked = checkAgents(client)
  checked.catch(() => undefined) // `head` and `get` reject with it
  const urls = createSignedUrls(client, now, KNOWN)
  let restUntil = 0

  const sendGet: SendGet = async (input, byClient, signal) => {
    const url = now() < restUntil ? undefined : await urls.of(input)
    signal.throwIfAborted()
    if (!url) return byClient()
    const send = (more: Record<string, string> = {}): Promise<SignedAnswer> =>
      wayOf(client)
        .get(url, { ...headersOf(input), ...more }, signal)
        .catch(nameTheLost)
    let answer = await send()
    if (isTranscoded(answer.headers)) {
      answer.body?.destroy()
      answer = await send({ 'accept-encoding': 'gzip' })
    }
    if (answer.body) return opened(answer)
    const { status } = answer
    if (isPlain(status)) throw Object.assign(new Error('refused'), { $metadata: { httpStatusCode: status } })
    urls.forget(input)
    const object = await byClient()
    urls.forgetAll() // it is not the object then: the URL had expired, or none will do here
    restUntil = now() + REST_MS
    return object
  }

  const store = openS3Store(options, upstream, sendGet)
  return {
    ...store,
    head: async (key, signal) => {
      await checked
      return store.head(key, signal)
    },
    get: async (key, wanted, signal) => {
      await checked
      return store.get(key, wanted, signal)
    },
  }
}

const ways = new WeakMap<S3Client, SignedWay>()

// One for all stores of a client, like the places in its line, of which there are as many.
function wayOf(client: S3Client): SignedWay {
  const way = ways.get(client) ?? createSignedWay(socketsOf(client))
  ways.set(client, way)
  return way
}

/** Whether a status says all there is to know. Of others only a body tells, and those of errors are full of secrets. */
const isPlain = (status: number): boolean =>
  status === 412 || status === 416 || status === 429 || status >= 500

// The signature covers neither, so one URL serves every part.
const headersOf = ({
  Range,
  IfMatch,
  ExpectedBucketOwner,
}: GetObjectCommandInput): Record<string, string> => ({
  ...(Range !== undefined && { range: Range }),
  ...(IfMatch !== undefined && { 'if-match': IfMatch }),
  ...(ExpectedBucketOwner !== undefined && { [OWNER]: ExpectedBucketOwner }),
})

function opened({ status, headers, body }: SignedAnswer): S3GetAnswer {
  const field = (name: string): string | undefined => {
    const value = headers[name]
    return typeof value === 'string' ? value : undefined // twice is not at all
  }
  const length = field('content-length')
  return {
    $metadata: { httpStatusCode: status },
    ETag: field('etag'),
    VersionId: field('x-amz-version-id'),
    ContentLength: length === undefined ? undefined : Number(length),
    ContentRange: field('content-range'),
    ContentEncoding: field('content-encoding'),
    LastModified: readLastModified(field('last-modified')),
    ChecksumSHA256: field('x-amz-checksum-sha256'),
    ChecksumType: field('x-amz-checksum-type') === 'FULL_OBJECT' ? 'FULL_OBJECT' : undefined,
    Body: body,
  }
}

/** An idle connection that had gone is undici's own kind of error. It is given the name that all others have. */
function nameTheLost(error: unknown): never {
  if (membersOf(error).code !== 'UND_ERR_SOCKET') throw error
  throw Object.assign(new Error('lost'), { code: 'ECONNRESET' })
}
