import type { S3Client } from '@aws-sdk/client-s3'
import * as check from '@sallyport/core/check-options'

import { account, keys, prefix } from '../check-options.ts'

/** The options of `createS3Store`. */
export interface S3StoreOptions {
  /** The host's client. The store never destroys it. */
  readonly client: S3Client
  /** The name of the bucket, or an ARN or alias of an access point. */
  readonly bucket: string
  /**
   * Segments that are put before every key with one `/`. No key can leave it.
   * @defaultValue no prefix
   */
  readonly prefix?: string
  /**
   * The account of 12 digits that must own the bucket. S3 refuses requests to a bucket of another account.
   * @defaultValue not checked
   */
  readonly bucketOwner?: string
  /**
   * `true` if the role lacks `s3:ListBucket`. S3 then answers 403 for a missing object.
   * @defaultValue false
   */
  readonly forbiddenIsMissing?: boolean
  /**
   * `'strict'` refuses a key with an empty, `.` or `..` segment or a backslash, because a catalogue that holds one is most likely
   * wrong. `'literal'` sends every key exactly as the record has it; S3 does not interpret it.
   * @defaultValue 'strict'
   */
  readonly keys?: 'strict' | 'literal'
  /**
   * For services whose ETags are missing, weak or malformed. `'version'`: the object's version, in a bucket that keeps versions.
   * `'lastModified+size'`: an object that is overwritten within the same second by one of the same size is not noticed.
   * @defaultValue a strong ETag, and the version if the bucket keeps versions
   */
  readonly validator?: 'version' | 'lastModified+size'
  /**
   * `true`: verifies the checksum of the object that S3 keeps (SHA-256, CRC-64/NVME or CRC-32), on downloads of a whole object. The
   * last bytes are held back until then, so a corrupt object never becomes a complete download. Not needed to notice errors of the
   * network: TLS does that, and every length is verified. Objects without such a checksum, and ranges, are sent without it.
   * @defaultValue false
   */
  readonly verifyChecksums?: boolean
}

/** A name, or an ARN or alias of an access point. A path or URL is a mistake: what follows the name belongs into `prefix`. */
const bucketName = check.accept<string>(
  'the name of the bucket, without s3:// and without a path',
  (value): value is string => typeof value === 'string' && /^(?:arn:\S+|[^\s/]+)$/.test(value),
  check.shown,
)

/** Checks the options of `createS3Store`. */
export const s3Options: check.OptionCheck<S3StoreOptions> = check.object<S3StoreOptions>(
  '{ client, bucket, prefix?, bucketOwner?, forbiddenIsMissing?, keys?, validator?, verifyChecksums? }',
  {
    client: check.withMethods<S3Client>('new S3Client({ … }) of @aws-sdk/client-s3', 'send'),
    bucket: bucketName,
    prefix: prefix.optional(),
    bucketOwner: account.optional(),
    forbiddenIsMissing: check.flag.optional(),
    keys: keys.optional(),
    validator: check.oneOf('version', 'lastModified+size').optional(),
    verifyChecksums: check.flag.optional(),
  },
)
