import { ListObjectsV2Command, type ListObjectsV2CommandOutput, type S3Client } from '@aws-sdk/client-s3'
import { withDeadline } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { MOST_PARTS, type Part } from './parts/part.ts'

/** The options of {@link listS3Parts}. */
export interface ListS3PartsOptions {
  /** The host's client. */
  readonly client: S3Client
  /** The name of the bucket, or an ARN or alias of an access point. */
  readonly bucket: string
  /** The beginning of all keys, such as `unload/17/` or `unload/17/users_`. A folder needs its `/` at the end. */
  readonly prefix: string
  /**
   * The object that the writer puts there when all parts are complete; its key is `prefix` and this text. `false`: the listing is not
   * checked, because the caller knows otherwise that the writer has finished.
   * @defaultValue '_SUCCESS'
   */
  readonly marker?: string | false
  /**
   * Stops the listing.
   * @defaultValue none; each request has 10 s
   */
  readonly signal?: AbortSignal
}

/** Deadline of one request, in milliseconds. */
const PAGE_MS = 10_000

/**
 * Lists the objects below a prefix as parts, sorted by the bytes of their keys. For the job that writes the record, not for every
 * download.
 *
 * Sizes and ETags come from the listing. An ETag that is weak or not in quotes is left out. The marker is not a part, nor is
 * an object with `_` or `.` at the beginning of a segment below the prefix (such as `_committed_1`, but not `_day=1`), nor an empty one
 * whose key ends with `/`. The keys are complete, so the store of these parts must have no `prefix`.
 *
 * @throws Error if the marker is missing, the service ends the listing early, or there are more than 100,000 objects; the client's error; `DeadlineError`; the reason
 *   of `signal`. TypeError that names each wrong option
 */
export function listS3Parts(options: ListS3PartsOptions): Promise<readonly Part[]> {
  check.checkOptions('listS3Parts', options, listOptions)
  return listParts(options)
}

async function listParts({
  client,
  bucket,
  prefix,
  marker = '_SUCCESS',
  signal,
}: ListS3PartsOptions): Promise<readonly Part[]> {
  const found: Part[] = []
  let isComplete = marker === false
  let token: string | undefined
  do {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      ...(token !== undefined && { ContinuationToken: token }),
    })
    const page: ListObjectsV2CommandOutput = await withDeadline(
      (abortSignal) => client.send(command, { abortSignal }),
      { ms: PAGE_MS, signal },
    )
    for (const { Key: key = '', Size: size = 0, ETag: etag } of page.Contents ?? []) {
      if (key === `${prefix}${String(marker)}` && marker !== false) isComplete = true
      else if (isPart(key.slice(prefix.length), size))
        found.push({ key, size, ...(isStrong(etag) && { validator: etag }) })
    }
    if (found.length > MOST_PARTS)
      throw new Error(`listS3Parts: more than ${MOST_PARTS} objects have this prefix`)
    const next = page.IsTruncated === true ? page.NextContinuationToken : undefined
    if (page.IsTruncated === true && (next === undefined || next === token))
      throw new Error(
        'listS3Parts: the listing is incomplete, because the service does not say where it continues',
      )
    token = next
  } while (token !== undefined)
  if (isComplete)
    return found.toSorted((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)))
  throw new Error(
    `listS3Parts: there is no object '${String(marker)}' at the prefix, so the parts may be incomplete. If their writer puts no marker there, set marker: false`,
  )
}

/** As Spark and Hive: names that begin with `_` or `.` are not data, except partitions such as `_day=1`. */
const isPart = (name: string, size: number): boolean =>
  !(name.endsWith('/') && size === 0) &&
  name !== '' &&
  !name
    .split('/')
    .some((segment) => segment.startsWith('.') || (segment.startsWith('_') && !segment.includes('=')))

const isStrong = (etag: string | undefined): etag is string =>
  etag !== undefined && /^"[\x21\x23-\x7e]{1,256}"$/.test(etag)

const listOptions = check.object<ListS3PartsOptions>('{ client, bucket, prefix, marker?, signal? }', {
  client: check.withMethods<S3Client>('new S3Client({ … }) of @aws-sdk/client-s3', 'send'),
  bucket: check.text('the name of the bucket'),
  prefix: check.text("the beginning of the parts' keys, such as 'unload/17/'"),
  marker: check
    .accept<string | false>(
      "the name of an object, such as '_SUCCESS', or false",
      (value): value is string | false => value === false || (typeof value === 'string' && value !== ''),
      check.shown,
    )
    .optional(),
  signal: check.instanceOf('an AbortSignal', AbortSignal).optional(),
})
