import type { ExportStore, Tenant } from '@sallyport/core'
import { createFilesystemStore } from '@sallyport/storage/filesystem'

import type { ExportsPlace } from './environment.ts'

/** The store of an organization. No key leads out of the organization's own place, `<place>/<organization>/`. */
export type StoreOf = (tenant: Pick<Tenant, 'name'>) => ExportStore

/** Opens the place of the exports. The cloud clients are loaded only where they are used. */
export async function openStores(place: ExportsPlace): Promise<StoreOf> {
  const store = await openPlace(place)
  const stores = new Map<string, ExportStore>()
  return ({ name }) => {
    const known = stores.get(name) ?? storeBelow(name, store)
    stores.set(name, known)
    return known
  }
}

/** Keeps the other members of the store: the handler shares its `connections` among callers, and reports its troubles. */
const storeBelow = (name: string, store: ExportStore): ExportStore => ({
  ...store,
  head: (key, signal) => store.head(`${name}/${key}`, signal),
  get: (key, options, signal) => store.get(`${name}/${key}`, options, signal),
})

/** Keys that try to climb (`..`) are refused by every store. */
async function openPlace(place: ExportsPlace): Promise<ExportStore> {
  switch (place.kind) {
    case 'directory':
      return createFilesystemStore({ root: place.path })
    case 's3': {
      const { S3Client } = await import('@aws-sdk/client-s3')
      const { createS3Store } = await import('@sallyport/storage/s3')
      const { bucket, prefix, endpoint, region } = place
      const client = new S3Client({
        ...(region !== undefined && { region }),
        ...(endpoint && { endpoint: endpoint.href, forcePathStyle: true }),
      })
      return make('S3_BUCKET, S3_PREFIX', () =>
        createS3Store({ client, bucket, ...(prefix !== undefined && { prefix }) }),
      )
    }
    case 'azure': {
      const { ContainerClient } = await import('@azure/storage-blob')
      const { createAzureBlobStore } = await import('@sallyport/storage/azure-blob')
      const { connectionString, container: name } = place
      const retryOptions = { maxTries: 2, retryDelayInMs: 50, maxRetryDelayInMs: 500 }
      const container = make(
        'AZURE_STORAGE_CONNECTION_STRING, AZURE_CONTAINER',
        () => new ContainerClient(connectionString, name, { retryOptions }),
      )
      return createAzureBlobStore({ container })
    }
  }
}

/** Ends the process where the variables cannot be used. The reason is not shown, because it may quote a secret. */
function make<Made>(names: string, create: () => Made): Made {
  try {
    return create()
  } catch {
    console.error(`${names}: cannot be used as they are`)
    return process.exit(1)
  }
}
