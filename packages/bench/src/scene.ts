import { createPublicKey, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createTestIssuer } from '@sallyport/core/testing'

import { createCatalogue } from './catalogue.ts'
import { capability, type Settings } from './settings.ts'

/** Files, an issuer with a key set on loopback, and tokens, for servers and load. */
export interface Scene {
  readonly settings: Settings
  /** A folder that is deleted with the scene. */
  readonly folder: string
  /** A SQLite file that lists the files, with the tables of the examples. */
  readonly catalogue: string
  /** Makes a sparse file of this many bytes, which reads as zeros. Returns its export id, by default a new one. */
  addFile(bytes: number, kind: 'written' | 'sparse', id?: string): Promise<string>
  /** Adds a row to the catalogue for an object that is not a file of the scene. */
  addRow(exportId: string, bytes: number): void
  /** Makes tokens, each with another subject. */
  tokens(count: number): Promise<readonly string[]>
  close(): Promise<void>
}

const organization = 'acme'
const audience = 'exports'
/** Of all servers of the bench, and of the Koa example. */
const scope = `${capability} audit.read`
const blockBytes = 1_048_576

export async function openScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'))
  const root = join(folder, 'exports')
  await mkdir(join(root, organization), { recursive: true })
  const catalogue = join(folder, 'catalogue.db')
  const rows = createCatalogue(catalogue, organization)
  const testIssuer = await createTestIssuer()
  const { issuer, jwks } = testIssuer
  const keySet = createServer((_, response) =>
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(jwks)),
  ).listen(0, '127.0.0.1')
  await once(keySet, 'listening')
  const address = keySet.address()
  const port = typeof address === 'object' ? address?.port : undefined

  return {
    folder,
    catalogue,
    settings: {
      root,
      organization,
      issuer,
      audience,
      jwksUri: `http://127.0.0.1:${port}/keys`,
      publicKey: pemOf(jwks.keys[0]),
    },
    addFile: async (bytes, kind, exportId = randomUUID()) => {
      const file = await open(join(root, organization, `${exportId}.csv`), 'w')
      if (kind === 'sparse') await file.truncate(bytes)
      for (let left = kind === 'sparse' ? 0 : bytes; left > 0; left -= blockBytes)
        await file.write(Buffer.alloc(Math.min(left, blockBytes), 'id,name,value\n'))
      await file.close()
      rows.add(exportId, organization, bytes)
      return exportId
    },
    addRow: (exportId, bytes) => rows.add(exportId, organization, bytes),
    tokens: async (count) => {
      const made: string[] = []
      for (let index = 0; index < count; index++)
        made.push(await testIssuer.token({ sub: `user-${index}`, aud: audience, scope }))
      return made
    },
    close: async () => {
      keySet.closeAllConnections()
      keySet.close()
      rows.close()
      await rm(folder, { recursive: true })
    },
  }
}

const pemOf = (key: object | undefined): string =>
  createPublicKey({ key: { ...key }, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString()

/**
 * A complete request of a client.
 *
 * @param place - the path before the export id
 */
export const requestText = (
  exportId: string,
  token: string,
  place = '/exports',
  method: 'GET' | 'HEAD' = 'GET',
): string =>
  `${method} ${place}/${exportId}/download HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Org-Name: ${organization}\r\n` +
  `Authorization: Bearer ${token}\r\nAccept: */*\r\n\r\n`
