import type { S3Client } from '@aws-sdk/client-s3'
import * as check from '@sallyport/core/check-options'

import { account, keys, prefix } from '../check-options.ts'

/** The options of both stores on S3. */
export interface S3StoreOptions {
  readonly client: S3Client
  readonly bucket: string
  readonly prefix?: string
  readonly bucketOwner?: string
  readonly forbiddenIsMissing?: boolean
  readonly keys?: 'strict' | 'literal'
  readonly validator?: 'version' | 'lastModified+size'
}

/** A name, or an ARN or alias of an access point. A path or URL is a mistake: what follows the name belongs into `prefix`. */
const bucketName = check.accept<string>(
  'the name of the bucket, without s3:// and without a path',
  (value): value is string => typeof value === 'string' && /^(?:arn:\S+|[^\s/]+)$/.test(value),
  check.shown,
)

/** Checks the options of both stores on S3. */
export const s3Options: check.OptionCheck<S3StoreOptions> = check.object<S3StoreOptions>(
  '{ client, bucket, prefix?, bucketOwner?, forbiddenIsMissing?, keys?, validator? }',
  {
    client: check.withMethods<S3Client>('new S3Client({ … }) of @aws-sdk/client-s3', 'send'),
    bucket: bucketName,
    prefix: prefix.optional(),
    bucketOwner: account.optional(),
    forbiddenIsMissing: check.flag.optional(),
    keys: keys.optional(),
    validator: check.oneOf('version', 'lastModified+size').optional(),
  },
)
