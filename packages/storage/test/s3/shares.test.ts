import {
  createExportHandler,
  type ExportHandlerOptions,
  type ExportRequest,
  type ExportStore,
} from '@sallyport/core'
import { positionCoded } from '@sallyport/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type CannedStore, object, startCannedStore } from '../../../../scripts/servers/canned-store.ts'
import { createReadAheadStore } from '../../src/read-ahead.ts'
import { BUCKET, LEARNING, s3Client, ways } from './scene.ts'

const EXPORT_ID = '0f8fad5b-d9cb-469f-a165-70867728950e'

let server: CannedStore
beforeAll(async () => {
  server = await startCannedStore({
    export: object(positionCoded(4_000_000)),
    [LEARNING]: object(Buffer.from('x')),
  })
})
afterAll(() => server.close())

const storeBy = (create: (typeof ways)[number][1]): ExportStore => {
  const client = s3Client({ port: server.port, keys: { accessKeyId: 'AKONE', secretAccessKey: 'x' } })
  return create({ client, bucket: BUCKET })
}

/** A handler whose callers are as they say: the token is `organization/name`. */
function scene(store: ExportStore, concurrent?: { readonly perPrincipal: number }) {
  const options: ExportHandlerOptions = {
    verifier: {
      verify: async (token) => ({
        issuer: 'https://issuer.example',
        subject: token,
        organizations: [token.split('/')[0] ?? ''],
        capabilities: ['download'],
        claims: {},
      }),
    },
    tenancy: { mode: 'multi', findTenant: async (name) => ({ id: name, name }) },
    capability: 'download',
    findExport: async ({ exportId, tenant }) => ({
      id: String(exportId),
      tenantId: String(tenant.id),
      key: 'export',
      format: 'jsonl',
      state: 'ready',
    }),
    store,
    ...(concurrent && { limits: { concurrent } }),
  }
  const handler = createExportHandler(options)
  const leaving = new AbortController()
  const download = async (token: string): Promise<number> => {
    const fields: Record<string, string> = {
      authorization: `Bearer ${token}`,
      'x-org-name': token.split('/')[0] ?? '',
    }
    const request: ExportRequest = {
      method: 'GET',
      params: { exportId: EXPORT_ID },
      header: (name) => fields[name],
      signal: leaving.signal,
    }
    return (await handler.handle(request)).status // and its body is not read
  }
  return {
    download,
    /** How many of 16 downloads are let in, which then do not read. */
    stall: async (token: string): Promise<number> => {
      const statuses = await Promise.all(Array.from({ length: 16 }, () => download(token)))
      expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([])
      return statuses.filter((status) => status === 200).length
    },
    leave: () => leaving.abort(),
  }
}

describe.each(ways)('an S3 store with 50 sockets, %s', (_, create) => {
  test('is not used up by four principals that do not read', async () => {
    const { download, stall, leave } = scene(storeBy(create))
    const got: number[] = []
    for (const token of ['acme/1', 'acme/2', 'evil/3', 'evil/4']) got.push(await stall(token))
    expect(got).toEqual([10, 8, 7, 5])
    expect(await download('good/5')).toBe(200)
    leave()
  })

  test('releases its share at the end of a download', async () => {
    const { stall, leave } = scene(storeBy(create))
    expect(await stall('acme/1')).toBe(10)
    leave()
    const next = scene(storeBy(create))
    expect(await next.stall('acme/1')).toBe(10)
    next.leave()
  })
})

test('a store that reads ahead counts its parts', async () => {
  const { stall, leave } = scene(createReadAheadStore(storeBy(ways[1][1]), { parts: 4, partBytes: 100_000 }))
  expect(await stall('acme/1')).toBe(3)
  leave()
})

test('a limit that the host sets replaces the share', async () => {
  const { stall, leave } = scene(storeBy(ways[1][1]), { perPrincipal: 14 })
  expect(await stall('acme/1')).toBe(14)
  leave()
})
