import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { S3Client } from '@aws-sdk/client-s3'
import { onTestFinished } from 'vitest'

/** The secrets that must never reach a client. */
export const secrets = ['secret-bucket', 'eu-secret-7', 'AKIASECRET', 'secret-account', 'secret-request']

const objects: Readonly<Record<string, string>> = {
  'report.csv': 'at,actor,action\n2026-01-01T00:00:00Z,ann,role.grant\n',
  'report.json': '[{"at":"2026-01-01T00:00:00Z","actor":"ann","action":"role.grant"}]\n',
}

type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => void

const fails =
  (status: number, code: string): Misbehaviour =>
  (_, response) => {
    const text = `<Error><Code>${code}</Code><Message>secret-account: ${code} on secret-bucket</Message><BucketName>secret-bucket</BucketName><Region>eu-secret-7</Region><RequestId>secret-request</RequestId></Error>`
    response.writeHead(status, { 'Content-Type': 'application/xml', 'x-amz-request-id': 'secret-request' })
    response.end(text)
  }

/** How the server answers keys without an object. */
const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
  denied: fails(403, 'AccessDenied'),
  'no-bucket': fails(404, 'NoSuchBucket'),
  elsewhere: fails(301, 'PermanentRedirect'),
  'slow-down': fails(503, 'SlowDown'),
  broken: fails(500, 'InternalError'),
  page: (_, response) => response.end('<html>secret-bucket: sign in to go on</html>'),
  'cut-off': ({ socket }) => socket.destroy(),
}

/** A server with the part of S3 that a download needs, and a client for it. */
export async function startS3(): Promise<S3Client> {
  const server = createServer((request, response) => {
    const key =
      decodeURIComponent((request.url ?? '').split('?')[0] ?? '')
        .split('/')
        .at(-1) ?? ''
    const misbehave = misbehaviours[key]
    const bytes = objects[key]
    if (misbehave) return misbehave(request, response)
    if (bytes === undefined) return fails(404, 'NoSuchKey')(request, response)
    const described = { ETag: `"${key}"`, 'Last-Modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }
    response.writeHead(200, {
      ...described,
      'Content-Length': bytes.length,
      'x-amz-request-id': 'secret-request',
    })
    response.end(request.method === 'HEAD' ? undefined : bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forcePathStyle: true,
    region: 'eu-secret-7',
    credentials: { accessKeyId: 'AKIASECRET', secretAccessKey: 'secret' },
  })
  onTestFinished(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  return client
}
