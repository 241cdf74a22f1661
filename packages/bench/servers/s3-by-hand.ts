// The simplest code that sends an S3 object: no checks, one GetObject, its body piped; and one HeadObject for a HEAD.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'

import { readSettings } from '../src/settings.ts'
import { listen } from './listen.ts'
import { s3Client, s3Settings } from './s3-client.ts'

const { organization } = readSettings()
const { bucket } = s3Settings

listen((request, response) => {
  const [, , exportId = ''] = (request.url ?? '').split('/')
  const answer = request.method === 'HEAD' ? describe : send
  answer(`${organization}/${exportId}.csv`, response).catch(() => response.destroy())
})

async function send(key: string, response: ServerResponse): Promise<void> {
  const { Body, ContentLength } = await s3Client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  if (!(Body instanceof Readable)) throw new Error('a body that is no stream')
  response.writeHead(200, headOf(ContentLength))
  await pipeline(Body, response)
}

async function describe(key: string, response: ServerResponse): Promise<void> {
  const { ContentLength } = await s3Client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
  response.writeHead(200, headOf(ContentLength)).end()
}

const headOf = (length: number | undefined): OutgoingHttpHeaders => ({
  'Content-Type': 'text/csv; charset=utf-8',
  'Content-Length': length,
})
