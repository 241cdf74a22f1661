import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  brotliCompressSync,
  brotliDecompressSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { type CannedStore, object, startCannedStore } from '../../../../scripts/servers/canned-store.ts'
import { createS3Store } from '../../src/s3.ts'
import { BUCKET, s3Client } from '../s3/scene.ts'
import { type Browser, hasBrowser, type SavedFile, startBrowser } from './browser.ts'
import { type Service, startService } from './service.ts'

// What clients save of objects in each coding, under each kind of name. Whatever the client, the file must be what its name says.

const csv = Buffer.from('id,event\n1,login\n2,logout\n'.repeat(500))
const gz = gzipSync(csv)
const br = brotliCompressSync(csv)
const zst = zstdCompressSync(csv)

/** Name of the record, its `Content-Encoding` in the store, and its bytes there. */
const stored: readonly (readonly [string, string | undefined, Buffer])[] = [
  ['report.csv', undefined, csv],
  ['report.csv', 'gzip', gz],
  ['report.csv', 'GZIP', gz],
  ['report.csv', 'aws-chunked,gzip', gz],
  ['report.csv', 'utf-8', csv],
  ['report.csv', 'br', br],
  ['report.csv', 'zstd', zst],
  ['report.csv.gz', undefined, gz],
  ['report.csv.gz', 'gzip', gz],
  ['report.csv.gz', 'x-gzip', gz],
  ['report.csv.br', 'br', br],
  ['report.csv.zst', 'zstd', zst],
]

/** What the name promises, taken out of the bytes. */
function contentOf({ name, bytes }: SavedFile): Buffer {
  if (name.endsWith('.gz')) return gunzipSync(bytes)
  if (name.endsWith('.br')) return brotliDecompressSync(bytes)
  if (name.endsWith('.zst')) return zstdDecompressSync(bytes)
  return bytes
}

const extensions: Readonly<Record<string, string>> = { gz: '.gz', br: '.br', zst: '.zst' }
const extensionOf = (bytes: Buffer): string =>
  extensions[bytes === gz ? 'gz' : bytes === br ? 'br' : bytes === zst ? 'zst' : ''] ?? ''

describe.each(stored)('%s, stored with Content-Encoding: %s', (filename, encoding, bytes) => {
  let upstream: CannedStore
  let service: Service
  beforeAll(async () => {
    upstream = await startCannedStore({ key: object(bytes, { 'content-encoding': encoding }) })
    const client = s3Client({ port: upstream.port, keys: { accessKeyId: 'a', secretAccessKey: 'b' } })
    service = await startService(createS3Store({ client, bucket: BUCKET }), { key: 'key', filename })
  })
  afterAll(async () => {
    await service.close()
    await upstream.close()
  })

  /** The name that says what the bytes are. */
  const asFile = filename.endsWith(extensionOf(bytes)) ? filename : `${filename}${extensionOf(bytes)}`

  describe.skipIf(!isHere('curl'))('curl', () => {
    const curl = async (...options: readonly string[]): Promise<SavedFile> => {
      const folder = await mkdtemp(join(tmpdir(), 'sallyport-curl-'))
      try {
        const headers = ['-H', 'Authorization: Bearer token']
        await promisify(execFile)('curl', [
          '-sfOJ',
          '--output-dir',
          folder,
          ...headers,
          ...options,
          service.url,
        ])
        const [name = ''] = await readdir(folder)
        return { name, bytes: await readFile(join(folder, name)) }
      } finally {
        await rm(folder, { recursive: true })
      }
    }

    test('saves the file that it is', async () => {
      expect(await curl()).toEqual({ name: asFile, bytes })
    })

    test('--compressed saves what the name says', async () => {
      const saved = await curl('--compressed')
      expect(saved.name).toBe(filename)
      expect(contentOf(saved).equals(csv)).toBe(true)
    })

    test('that names gzip and does not decode saves a .gz as a .gz', async () => {
      const saved = await curl('-H', 'Accept-Encoding: gzip')
      expect(saved.bytes.equals(bytes)).toBe(true)
      expect(saved.name).toBe(extensionOf(bytes) === '.gz' ? filename : asFile)
    })
  })

  test.each([undefined, 'identity', 'gzip', 'br', 'zstd', 'gzip, deflate, br, zstd'])(
    'to Accept-Encoding: %s, the length is that of the stored bytes, and a .gz carries no coding',
    async (accept) => {
      const answer = await service.open(accept === undefined ? {} : { 'accept-encoding': accept })
      answer.resume()
      expect(answer.headers['content-length']).toBe(String(bytes.length))
      const coding = answer.headers['content-encoding']
      const isAccepted = coding !== undefined && accept?.includes(coding) === true
      expect([undefined, isAccepted ? coding : undefined]).toContain(coding)
      expect(coding !== undefined && filename === asFile).toBe(false)
      expect(answer.headers['content-disposition']).toBe(
        `attachment; filename="${coding === undefined ? asFile : filename}"`,
      )
    },
  )
})

describe.skipIf(!hasBrowser)('Chromium', { timeout: 30_000 }, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startBrowser()
  }, 30_000)
  afterAll(() => browser?.close())

  test.each(stored)(
    'saves %s, stored with Content-Encoding: %s, as what its name says',
    async (filename, encoding, bytes) => {
      const upstream = await startCannedStore({ key: object(bytes, { 'content-encoding': encoding }) })
      const client = s3Client({ port: upstream.port, keys: { accessKeyId: 'a', secretAccessKey: 'b' } })
      const service = await startService(createS3Store({ client, bucket: BUCKET }), { key: 'key', filename })
      try {
        const saved = await browser.save(service.url)
        expect(saved.name).toBe(filename)
        expect(contentOf(saved).equals(csv)).toBe(true)
      } finally {
        await service.close()
        await upstream.close()
      }
    },
  )
})
