import { lstat, stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { ExportStore } from '@sallyport/core'
import { createFilesystemStore } from '@sallyport/storage/filesystem'

import type { ExportsPlace } from './environment.ts'

/** Where the exports of every organization lie: `<place>/<organization>/<id>.<format>`. */
export interface Home {
  /** Whether there is such an organization. Asked only for names that a token proves. */
  readonly hasOrganization: (name: string) => Promise<boolean>
  /** The store of one organization, made once. Its root is the organization's own, so no key leads to another's. */
  readonly storeOf: (name: string) => ExportStore
}

/** Opens the place. The cloud clients are loaded only where they are wanted. */
export async function openHome(place: ExportsPlace): Promise<Home> {
  switch (place.kind) {
    case 'directory': {
      const { path } = place
      const stores = keepStores((name) => createFilesystemStore({ root: join(path, name) }))
      return { ...stores, hasOrganization: async (name) => stores.isKnown(name) || hasDirectory(path, name) }
    }
    case 's3': {
      const { S3Client } = await import('@aws-sdk/client-s3')
      const { createS3Store } = await import('@sallyport/storage/s3')
      const { bucket, prefix, endpoint, region } = place
      const client = new S3Client({
        ...(region !== undefined && { region }),
        ...(endpoint && { endpoint: endpoint.href, forcePathStyle: true }),
      })
      const createStore = (name: string): ExportStore =>
        createS3Store({ client, bucket, prefix: prefix ? `${prefix}/${name}` : name })
      make('S3_BUCKET, S3_PREFIX', () => createStore('organization'))
      return bucketHome(createStore)
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
      return bucketHome((prefix) => createAzureBlobStore({ container, prefix }))
    }
  }
}

/** Ends the process where this cannot be made of what was given. Why is not said: it may quote a secret. */
function make<Made>(names: string, create: () => Made): Made {
  try {
    return create()
  } catch {
    console.error(`${names}: cannot be used as they are`)
    return process.exit(1)
  }
}

/** A bucket has no folders to look for: an organization is there if its token says so, with exports or without. */
const bucketHome = (createStore: (name: string) => ExportStore): Home => ({
  ...keepStores(createStore),
  hasOrganization: async () => true,
})

function keepStores(createStore: (name: string) => ExportStore): Pick<Home, 'storeOf'> & {
  readonly isKnown: (name: string) => boolean
} {
  const stores = new Map<string, ExportStore>()
  return {
    isKnown: (name: string): boolean => stores.has(name),
    storeOf(name: string): ExportStore {
      const store = stores.get(name) ?? createStore(name)
      stores.set(name, store)
      return store
    },
  }
}

/** Throws where the exports' own directory is gone: that is an outage, and no word about the organization. */
async function hasDirectory(path: string, name: string): Promise<boolean> {
  try {
    return (await lstat(join(path, name))).isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    await stat(path)
    return false
  }
}
