// The complete handler with objects in S3.
import { createS3Store } from '@sallyport/storage/s3'

import { createGuard } from './guard.ts'
import { listenGuarded } from './listen-guarded.ts'
import { s3Client as client, s3Settings } from './s3-client.ts'

const { bucket } = s3Settings

listenGuarded(createGuard({ store: createS3Store({ client, bucket }) }))
