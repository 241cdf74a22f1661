import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

import { isHere } from '../../../scripts/servers/available.ts'
import { startCeph } from '../../../scripts/servers/ceph.ts'
import { makeCertificate } from '../../../scripts/servers/tls-front.ts'
import { clientCore } from '../src/pinned.ts'
import type { Scene } from '../src/scene.ts'
import type { S3Settings } from '../src/settings.ts'
import { startServer } from '../src/start-server.ts'

/** An S3 server that runs on the load generator's core. */
export interface S3End {
  readonly settings: S3Settings
  /** Its processes. */
  readonly pids: readonly number[]
  put(key: string, bytes: number): Promise<void>
  close(): Promise<void>
}

const bucket = 'exports'

/** The object gateway of a Ceph that keeps everything in memory. `undefined`: it is not installed. */
export async function startCephEnd(): Promise<S3End | undefined> {
  if (!isHere('ceph')) return undefined
  const ceph = await startCeph()
  const { endpoint, owner, osd, gateway } = ceph
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: owner,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  } catch (error) {
    await ceph.close()
    throw error
  }
  return {
    settings: { endpoint, bucket, ...owner, ca: '' },
    pids: [osd.pid, gateway.pid],
    put: async (key, bytes) => {
      const Body = Buffer.alloc(bytes, 'id,name,value\n')
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body }))
    },
    close: async () => {
      client.destroy()
      await ceph.close()
    },
  }
}

/** A server that has an object of this size under every key, and ignores the rest of a request. */
export async function startStubEnd(
  { settings, folder }: Scene,
  bytes: number,
  secure: boolean,
): Promise<S3End> {
  const { key, cert } = secure ? makeCertificate() : { key: '', cert: '' }
  const stub = await startServer('s3-stub', settings, folder, {
    core: clientCore,
    environment: { BENCH_STUB: JSON.stringify({ bytes, key, cert }) },
  })
  return {
    settings: {
      endpoint: `${secure ? 'https' : 'http'}://127.0.0.1:${stub.port}`,
      bucket,
      accessKeyId: 'AKBENCH',
      secretAccessKey: 'bench',
      ca: cert,
    },
    pids: [stub.pid],
    put: () => Promise.resolve(),
    close: () => stub.stop(),
  }
}
