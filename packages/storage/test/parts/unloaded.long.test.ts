import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { S3Client } from '@aws-sdk/client-s3'
import type { ExportStore } from '@sallyport/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { type Ceph, startCeph } from '../../../../scripts/servers/ceph.ts'
import { createPartsStore, describeParts, type Part } from '../../src/parts.ts'
import { createReadAheadStore } from '../../src/read-ahead.ts'
import { listS3Parts } from '../../src/s3-parts.ts'
import { createS3Store } from '../../src/s3.ts'
import { endOf, reading } from '../reading.ts'
import { BUCKET, createBucket, PREFIX, s3Client, s3Fixture } from '../s3/scene.ts'
import { type Service, startService } from '../served/service.ts'

// What Redshift's UNLOAD with HEADER and MANIFEST writes, on a real S3 server, and the clients that people download it with.

const COUNT = 400
const PART = 1_048_576
const HEADER = Buffer.from('id,name,created_at\n')
const unload = `${PREFIX}/unload/17/`
const run = promisify(execFile)

type ListParts = Parameters<typeof createPartsStore>[1]

/** The rows of one part, so that it has 1 MiB with its header. */
function rowsOf(nth: number): Buffer {
  const row = `${nth},${createHash('sha256').update(String(nth)).digest('hex')},2026-02-01T10:00:00Z\n`
  const rows = Buffer.from(row.repeat(Math.ceil(PART / row.length)))
  return rows.subarray(0, PART - HEADER.length)
}

describe.skipIf(!isHere('ceph'))('400 unloaded parts in a Ceph object gateway', { timeout: 120_000 }, () => {
  let ceph: Ceph
  let client: S3Client
  let folder: string
  let listed: readonly Part[]
  let store: ExportStore
  let sha256: string
  let size: number
  const services: Service[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-unloaded-'))
    ceph = await startCeph()
    await createBucket({ port: ceph.port, keys: ceph.owner }, BUCKET)
    client = s3Client({ port: ceph.port, keys: ceph.owner })
    const fixture = s3Fixture(client)
    const hash = createHash('sha256').update(HEADER)
    for (let nth = 0; nth < COUNT; nth++) {
      const rows = rowsOf(nth)
      hash.update(rows)
      await fixture.put(`unload/17/${String(nth).padStart(4, '0')}_part_00`, Buffer.concat([HEADER, rows]))
    }
    sha256 = hash.digest('hex')
    size = HEADER.length + COUNT * (PART - HEADER.length)
    await fixture.put('unload/17/manifest', Buffer.from('{"entries":[]}'))
    listed = await listS3Parts({ client, bucket: BUCKET, prefix: unload, marker: 'manifest' })
    store = createPartsStore(createS3Store({ client, bucket: BUCKET }), async () => parts())
  }, 300_000)
  afterEach(() => Promise.all(services.splice(0).map((service) => service.close())))
  afterAll(async () => {
    client?.destroy()
    await ceph?.close()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  const parts = () =>
    listed.map(({ key, size, validator }, nth) => ({
      key,
      size,
      validator,
      first: nth === 0 ? 0 : HEADER.length,
    }))
  const whole = () => join(folder, 'whole.csv')
  const serve = async (): Promise<Service> => {
    const service = await startService(store, {
      key: 'users',
      object: describeParts(parts()),
      filename: 'users.csv',
    })
    services.push(service)
    return service
  }
  const sumOf = async (file: string): Promise<string> => {
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk)
    return hash.digest('hex')
  }

  // The cases stand in one order: the second one resumes the file of the first.
  test('are one file to curl', async () => {
    const service = await serve()
    const { stdout } = await run('curl', ['-sS', '-o', whole(), '-w', '%{http_code}', service.url])
    expect({ status: stdout, sum: await sumOf(whole()) }).toEqual({ status: '200', sum: sha256 })
    expect(service.events.at(-1)).toMatchObject({ outcome: 'completed', attempts: 1, bytesSent: size })
  })

  test('are resumed by curl at random bytes', async () => {
    const service = await serve()
    for (const share of [0.9, 0.7 + 0.3 * Math.random()]) {
      await truncate(whole(), Math.floor(size * share))
      const { stdout } = await run('curl', [
        '-sS',
        '-C',
        '-',
        '-o',
        whole(),
        '-w',
        '%{http_code}',
        service.url,
      ])
      expect({ status: stdout, sum: await sumOf(whole()) }).toEqual({ status: '206', sum: sha256 })
    }
  })

  test.skipIf(!isHere('aria2'))('are fetched by 8 connections of aria2', async () => {
    const service = await serve()
    const file = 'parallel.csv'
    await run('aria2c', [
      '-q',
      '-x8',
      '-s8',
      '-k1M',
      '--file-allocation=none',
      '-d',
      folder,
      '-o',
      file,
      service.url,
    ])
    expect(await sumOf(join(folder, file))).toBe(sha256)
    const ranges = service.events.filter((event) => event.type === 'download_started')
    expect(ranges.length).toBeGreaterThanOrEqual(8)
  })

  test.each([
    [
      'around read-ahead',
      1,
      (list: ListParts, objects: ExportStore) => createPartsStore(createReadAheadStore(objects), list),
    ],
    [
      'inside read-ahead',
      4,
      (list: ListParts, objects: ExportStore) => createReadAheadStore(createPartsStore(objects, list)),
    ],
  ])('are exact %s, and listed %d times for 32 MiB', async (_, times, combine) => {
    let lists = 0
    const list = async (): Promise<readonly Part[]> => {
      lists += 1
      return parts()
    }
    const store = combine(list, createS3Store({ client, bucket: BUCKET }))
    const range = { first: 5 * PART + 7, last: 37 * PART + 6 }
    const object = await store.get('users', { range }, new AbortController().signal)
    const expected = Buffer.concat([HEADER, ...Array.from({ length: 40 }, (_, nth) => rowsOf(nth))])
    expect(await endOf(object)).toEqual(reading(expected.subarray(range.first, range.last + 1)))
    expect(lists).toBe(times)
  })
})
