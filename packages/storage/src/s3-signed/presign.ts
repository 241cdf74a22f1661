import { GetObjectCommand, type GetObjectCommandInput, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl, S3RequestPresigner } from '@aws-sdk/s3-request-presigner'

/** When a URL is signed, in milliseconds since 1970, and for how long. */
interface Period {
  readonly at: number
  readonly seconds: number
}

/** Gives the URL of a GET of one object or version. */
export type Presign = (object: GetObjectCommandInput, period: Period) => Promise<string>

/** Sent beside such a URL where it stands in the object: S3 heeds it as a header only. */
export const OWNER = 'x-amz-expected-bucket-owner'

/**
 * Signs URLs for the objects of one bucket, as the SDK does. The SDK resolves the endpoint for every URL, which costs six
 * times the signature. So the SDK makes the first URL; its endpoint is reused, and the other URLs are signed here. If our
 * first URL differs from the SDK's, or the client has its own middleware or endpoint resolver, the SDK makes every URL.
 */
export function createPresign(client: S3Client): Presign {
  const bySdk: Presign = ({ Bucket, Key, VersionId, ExpectedBucketOwner }, period) =>
    getSignedUrl(
      client,
      new GetObjectCommand({ Bucket, Key, VersionId, ExpectedBucketOwner, ChecksumMode: 'ENABLED' }),
      signing(period),
    )
  let known: { readonly presign: Presign; readonly until: number } | undefined
  return async (object, period) => {
    if (known && period.at < known.until) return known.presign(object, period)
    const url = await bySdk(object, period)
    const quick = isUsual(client) ? alike(client, url, object) : undefined
    const presign = quick && (await quick(object, period)) === url ? quick : bySdk
    known = { presign, until: period.at + SHOWN_MS }
    return url
  }
}

const SHOWN_MS = 900_000 // for an endpoint may move

const signing = ({ at, seconds }: Period) => ({
  expiresIn: seconds,
  signingDate: new Date(at),
  unhoistableHeaders: new Set([OWNER]),
})

/** With custom middleware or a custom endpoint resolver, one object's URL says nothing about another's. */
function isUsual({ middlewareStack, config }: S3Client): boolean {
  const usual = new S3Client({ region: 'nowhere' })
  usual.destroy()
  return (
    config.endpointProvider === usual.config.endpointProvider &&
    middlewareStack.identify().join() === usual.middlewareStack.identify().join()
  )
}

function alike({ config }: S3Client, url: string, first: GetObjectCommandInput): Presign | undefined {
  const [, origin, protocol, hostname, port, path, query] = URL_PARTS.exec(url) ?? []
  const end = `/${escapePath(first.Key)}`
  const [, , region, signingName] = new URLSearchParams(query).get('X-Amz-Credential')?.split('/') ?? []
  if (!protocol || !hostname || !region || !signingName || !path?.endsWith(end)) return undefined
  const bucket = path.slice(0, -end.length)
  const presigner = new S3RequestPresigner({ ...config, region, signingName })
  return async ({ Key, VersionId, ExpectedBucketOwner }, period) => {
    const signed = await presigner.presign(
      {
        method: 'GET',
        protocol,
        hostname,
        ...(port !== undefined && { port: Number(port) }),
        path: `${bucket}/${escapePath(Key)}`,
        query: { 'x-id': 'GetObject', ...(VersionId !== undefined && { versionId: VersionId }) },
        headers: {
          'x-amz-checksum-mode': 'ENABLED', // costs nothing here, for nobody computes it
          ...(ExpectedBucketOwner !== undefined && { [OWNER]: ExpectedBucketOwner }),
        },
      },
      signing(period),
    )
    const pairs = Object.entries(signed.query ?? {}).map(
      ([name, value]) => `${escape(name)}=${escape(String(value))}`,
    )
    return `${origin}${signed.path}?${pairs.toSorted().join('&')}`
  }
}

const URL_PARTS = /^((https?:)\/\/(\[[^\]]+\]|[^/?#:]+)(?::(\d+))?)(\/[^?#]*)\?(.*)$/

const escapePath = (key = ''): string => key.split('/').map(escape).join('/')

const escape = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
