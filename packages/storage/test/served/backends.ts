import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'

import { isHere } from '../../../../scripts/servers/available.ts'
import { startAzurite } from '../../../../scripts/servers/azurite.ts'
import { startCeph } from '../../../../scripts/servers/ceph.ts'
import { type FaultProxy, startFaultProxy } from '../../../../scripts/servers/fault-proxy.ts'
import { createAzureBlobStore } from '../../src/azure-blob.ts'
import { BUCKET, createBucket, LEARNING, PREFIX, REGION, s3Client, s3Fixture, ways } from '../s3/scene.ts'

/** A real store behind a proxy that breaks things. */
export interface Backend {
  /** Through the proxy. */
  readonly store: ExportStore
  readonly proxy: FaultProxy
  /** Past the proxy. */
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Names that must be seen nowhere. */
  readonly words: readonly string[]
  close(): Promise<void>
}

const CONTAINER = 'containercanary'

const startS3 = (create: (typeof ways)[number][1]) => async (): Promise<Backend> => {
  const ceph = await startCeph()
  const proxy = await startFaultProxy(ceph.port)
  const keys = ceph.owner
  await createBucket({ port: ceph.port, keys }, BUCKET)
  const fixture = s3Fixture(s3Client({ port: ceph.port, keys }))
  await fixture.put(LEARNING, Buffer.from('x'))
  const client = s3Client({ port: proxy.port, keys, requestHandler: { httpAgent: { maxSockets: 2 } } })
  const store = create({ client, bucket: BUCKET, prefix: PREFIX })
  await store.head(LEARNING, new AbortController().signal)
  return {
    proxy,
    store,
    put: (key, bytes) => fixture.put(key, bytes),
    words: [BUCKET, 'prefixcanary', 'keycanary', REGION, keys.accessKeyId, 'signature'],
    close: async () => {
      await proxy.close()
      await ceph.close()
    },
  }
}

async function startAzure(): Promise<Backend> {
  const azurite = await startAzurite()
  const proxy = await startFaultProxy(azurite.port)
  const containerVia = (port: number): ContainerClient =>
    BlobServiceClient.fromConnectionString(azurite.connectionString(port), {
      retryOptions: { maxTries: 2, retryDelayInMs: 50, maxRetryDelayInMs: 500 },
    }).getContainerClient(CONTAINER)
  const direct = containerVia(azurite.port)
  await direct.create()
  return {
    proxy,
    store: createAzureBlobStore({ container: containerVia(proxy.port), prefix: PREFIX }),
    put: async (key, bytes) => void (await direct.getBlockBlobClient(`${PREFIX}/${key}`).uploadData(bytes)),
    words: [CONTAINER, 'prefixcanary', 'keycanary', azurite.account, azurite.accountKey, 'signature'],
    close: async () => {
      await proxy.close()
      await azurite.close()
    },
  }
}

export const backends = [
  ...ways.map(([way, create]) => ({
    name: `a Ceph object gateway, ${way}`,
    here: isHere('ceph'),
    start: startS3(create),
  })),
  { name: 'Azurite', here: true, start: startAzure },
]
