// The complete handler with objects in S3, by either of the two stores, which take the same options.
import { createS3Store } from '@sallyport/storage/s3'
import { createSignedS3Store } from '@sallyport/storage/s3-signed'

import { createGuard } from './guard.ts'
import { listenGuarded } from './listen-guarded.ts'
import { s3Client as client, s3Settings } from './s3-client.ts'

const { bucket, signed } = s3Settings
const createStore = signed ? createSignedS3Store : createS3Store

listenGuarded(createGuard({ store: createStore({ client, bucket }) }))
