import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import fastifyStatic from '@fastify/static'
import express from 'express'
import { fastify } from 'fastify'
import Koa from 'koa'
import send from 'koa-send'

import { isHere } from '../../../scripts/servers/available.ts'
import { startCeph } from '../../../scripts/servers/ceph.ts'
import { startProxy } from '../../../scripts/servers/proxies.ts'

// What teams use to send a file, set up as their documentation shows it. Each sends the same file.

/** A started server. */
interface Peer {
  /** The download of a file. */
  readonly url: string
  close(): Promise<void>
}

/** How to start a server that sends a file. */
export interface PeerStart {
  readonly name: string
  /** Whether its programs are installed. */
  readonly isHere: boolean
  readonly start: (file: string) => Promise<Peer>
}

const path = '/exports/1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82/download'

async function listen(server: Server): Promise<Peer> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}${path}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function startExpress(file: string): Promise<Peer> {
  const app = express()
  app.set('env', 'test') // else it prints every refusal
  app.get(path, (_, response) => response.download(file))
  return listen(createServer(app))
}

function startKoa(file: string): Promise<Peer> {
  const app = new Koa()
  app.silent = true
  app.use(async (ctx, next) => {
    if (ctx.path !== path || !['GET', 'HEAD'].includes(ctx.method)) await next()
    else {
      ctx.attachment(basename(file))
      await send(ctx, basename(file), { root: dirname(file) })
    }
  })
  const handle = app.callback()
  return listen(createServer((request, response) => void handle(request, response)))
}

async function startFastify(file: string): Promise<Peer> {
  const app = fastify()
  await app.register(fastifyStatic, { root: dirname(file), serve: false })
  app.get(path, (_, reply) => reply.download(basename(file)))
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url: origin + path, close: () => app.close() }
}

async function startNginx(file: string): Promise<Peer> {
  const location = `location = ${path} { alias ${file}; default_type text/csv; }`
  const config = `events {}\n\nhttp {\n  server {\n    listen 8080;\n    ${location}\n  }\n}\n`
  const nginx = await startProxy('nginx', config, 9)
  return { url: `http://127.0.0.1:${nginx.port}${path}`, close: () => nginx.close() }
}

async function startS3(file: string): Promise<Peer> {
  const ceph = await startCeph()
  const client = new S3Client({
    endpoint: ceph.endpoint,
    credentials: ceph.owner,
    region: 'us-east-1',
    forcePathStyle: true,
  })
  const object = { Bucket: 'exports', Key: path.slice(1) }
  await client.send(new CreateBucketCommand({ Bucket: object.Bucket }))
  await client.send(new PutObjectCommand({ ...object, Body: await readFile(file), ContentType: 'text/csv' }))
  return {
    url: await getSignedUrl(client, new GetObjectCommand(object)),
    close: () => {
      client.destroy()
      return ceph.close()
    },
  }
}

/** In the order of the table's columns. */
export const peers: readonly PeerStart[] = [
  { name: 'Express `res.download`', isHere: true, start: startExpress },
  { name: 'koa-send', isHere: true, start: startKoa },
  { name: '@fastify/static', isHere: true, start: startFastify },
  { name: 'nginx', isHere: isHere('nginx'), start: startNginx },
  { name: 'presigned URL on Ceph', isHere: isHere('ceph'), start: startS3 },
]

/** Writes the file that they send: 1,000,000 bytes of CSV. */
export async function makeFile(): Promise<{ readonly file: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-peers-'))
  const file = join(directory, 'export.csv')
  const lines = Array.from({ length: 50_000 }, (_, index) => `row,${String(index).padStart(15, '0')}\n`)
  await writeFile(file, lines.join(''))
  return { file, remove: () => rm(directory, { recursive: true }) }
}
