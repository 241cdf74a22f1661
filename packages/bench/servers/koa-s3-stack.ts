// The usual parts on Koa, with one GetObject of the AWS client as the body.
import { GetObjectCommand } from '@aws-sdk/client-s3'

import { listenKoaStack } from './koa-guard.ts'
import { s3Client, s3Settings } from './s3-client.ts'

listenKoaStack(async (ctx, key) => {
  const object = await s3Client.send(new GetObjectCommand({ Bucket: s3Settings.bucket, Key: key }))
  if (object.ContentLength !== undefined) ctx.length = object.ContentLength
  ctx.type = 'text/csv; charset=utf-8'
  ctx.body = object.Body
})
