import type { GetObjectCommandInput, S3Client } from '@aws-sdk/client-s3'

import { createPresign, OWNER } from './presign.ts'

/** What a GET of one object needs, and no more. The target is a secret: who has it, has the object. */
export interface SignedUrl {
  /** As in `https://host:port`. */
  readonly origin: string
  /** Path and query. */
  readonly target: string
}

/** The URLs of a store, each made once and used for as long as it holds. */
export interface SignedUrls {
  /** `undefined`: such a URL cannot be had now. */
  of(object: GetObjectCommandInput): Promise<SignedUrl | undefined>
  forget(object: GetObjectCommandInput): void
  forgetAll(): void
}

const DIRECTORY_BUCKET = /--xa?-s3$/
const LONGEST_MS = 900_000
const MARGIN_MS = 60_000

/**
 * @param now - milliseconds since 1970
 * @param most - of so many objects
 */
export function createSignedUrls(client: S3Client, now: () => number, most: number): SignedUrls {
  const urls = new Map<string, { readonly until: number; readonly url: Promise<SignedUrl | undefined> }>()
  const presign = createPresign(client)
  let signer = ''

  const of: SignedUrls['of'] = async (object) => {
    if (DIRECTORY_BUCKET.test(object.Bucket ?? '')) return undefined // it is signed for by sessions that end much sooner
    const { accessKeyId, expiration } = await client.config.credentials()
    if (accessKeyId !== signer) urls.clear() // what the old ones signed must not outlive them
    signer = accessKeyId
    const at = now() + client.config.systemClockOffset
    const name = nameOf(object)
    const known = urls.get(name)
    if (known && at < known.until) return known.url
    const end = Math.min(at + LONGEST_MS, expiration?.getTime() ?? Infinity)
    const until = end - MARGIN_MS
    if (!(at < until)) return undefined
    urls.delete(name) // to stand last again
    const made = presign(object, { at, seconds: Math.floor((end - at) / 1000) })
    urls.set(name, { until, url: targetOf(made, object) })
    for (const oldest of urls.keys()) {
      if (urls.size <= most) break
      urls.delete(oldest)
    }
    return urls.get(name)?.url
  }
  const forget: SignedUrls['forget'] = (object) => void urls.delete(nameOf(object))

  return {
    // What hinders the signing hinders the client too, and that one says so in words that are known.
    of: (object) =>
      of(object).catch(() => {
        forget(object)
        return undefined
      }),
    forget,
    forgetAll: () => urls.clear(),
  }
}

const nameOf = ({ Key, VersionId = '' }: GetObjectCommandInput): string => `${Key}\0${VersionId}`

/** Only a URL whose signed headers we also send, and that lives long enough to be reused, is cached. */
async function targetOf(
  made: Promise<string>,
  { ExpectedBucketOwner }: GetObjectCommandInput,
): Promise<SignedUrl | undefined> {
  // Not by URL, which would resolve what looks like dots in a path.
  const [, origin, target] = /^(https?:\/\/[^/?#]+)(\/[\x21-\x7e]*)$/.exec(await made) ?? []
  if (origin === undefined || target === undefined) return undefined
  const signed = new URLSearchParams(target.slice(target.indexOf('?'))).get('X-Amz-SignedHeaders')
  const sent = ExpectedBucketOwner === undefined ? 'host' : `host;${OWNER}`
  return signed === sent ? { origin, target } : undefined
}
