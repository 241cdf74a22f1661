import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'
import type { StoreFixture } from '@sallyport/core/testing'

import { isHere } from '../../../../scripts/servers/available.ts'
import { startAzurite } from '../../../../scripts/servers/azurite.ts'
import { startCeph } from '../../../../scripts/servers/ceph.ts'
import { type FaultProxy, startFaultProxy } from '../../../../scripts/servers/fault-proxy.ts'
import { createAzureBlobStore } from '../../src/azure-blob.ts'
import { createFilesystemStore } from '../../src/filesystem.ts'
import { createS3Store } from '../../src/s3.ts'
import { BUCKET, createBucket, PREFIX, s3Client, s3Fixture } from '../s3/scene.ts'

/** A real store that parts lie in. */
export interface PartsServer {
  /** Without the proxy. */
  readonly fixture: StoreFixture
  /** Through the proxy. */
  readonly through: ExportStore
  readonly proxy: FaultProxy
  close(): Promise<void>
}

async function startS3(): Promise<PartsServer> {
  const ceph = await startCeph()
  const proxy = await startFaultProxy(ceph.port)
  const keys = ceph.owner
  await createBucket({ port: ceph.port, keys }, BUCKET)
  const client = s3Client({ port: proxy.port, keys })
  return {
    proxy,
    fixture: s3Fixture(s3Client({ port: ceph.port, keys })),
    through: createS3Store({ client, bucket: BUCKET, prefix: PREFIX }),
    close: async () => {
      client.destroy()
      await proxy.close()
      await ceph.close()
    },
  }
}

async function startAzure(): Promise<PartsServer> {
  const azurite = await startAzurite()
  const proxy = await startFaultProxy(azurite.port)
  const containerVia = (port: number): ContainerClient =>
    BlobServiceClient.fromConnectionString(azurite.connectionString(port), {
      retryOptions: { maxTries: 2, retryDelayInMs: 50, maxRetryDelayInMs: 500 },
    }).getContainerClient('parts')
  const direct = containerVia(azurite.port)
  await direct.create()
  return {
    proxy,
    fixture: {
      store: createAzureBlobStore({ container: direct }),
      put: async (key, bytes) => void (await direct.getBlockBlobClient(key).uploadData(bytes)),
      remove: async (key) => void (await direct.getBlockBlobClient(key).deleteIfExists()),
    },
    through: createAzureBlobStore({ container: containerVia(proxy.port) }),
    close: async () => {
      await proxy.close()
      await azurite.close()
    },
  }
}

/** The stores behind a proxy that breaks connections. */
export const partsServers = [
  { name: 'a Ceph object gateway', here: isHere('ceph'), start: startS3 },
  { name: 'Azurite', here: true, start: startAzure },
] as const

/** A store on a disk. */
export async function partsOnDisk(): Promise<{ fixture: StoreFixture; close(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'sallyport-parts-'))
  return {
    close: () => rm(root, { recursive: true, force: true }),
    fixture: {
      store: createFilesystemStore({ root }),
      put: async (key, bytes) => {
        const path = join(root, key)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(`${path}.new`, bytes)
        await rename(`${path}.new`, path)
      },
      remove: (key) => rm(join(root, key), { force: true }),
    },
  }
}
