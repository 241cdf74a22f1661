import { S3Client } from '@aws-sdk/client-s3'

import { readS3Settings, type S3Settings } from '../src/settings.ts'

export const s3Settings: S3Settings = readS3Settings()

const { endpoint, accessKeyId, secretAccessKey, ca } = s3Settings

/** The S3 client of all servers, as a host would create it, without tuning. */
export const s3Client: S3Client = new S3Client({
  endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
  ...(ca !== '' && { requestHandler: { httpsAgent: { ca } } }),
})
