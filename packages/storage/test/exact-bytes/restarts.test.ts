import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { positionCoded } from '@sallyport/core/testing'
import { describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { temporaryFolder } from '../filesystem/temporary-folder.ts'
import { curl } from './curl.ts'
import { authorization, key } from './guarded.ts'
import { downloadInParallel } from './parallel-download.ts'
import { startServer } from './server-process.ts'
import { until } from './waiting.ts'

const size = 50_000_000
const whole = Buffer.from(positionCoded(size))
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const digest = sha256(whole)
/** Slow enough to be interrupted, fast enough for a test. */
const slowly = ['--limit-rate', '60M']

async function exportFolder(): Promise<string> {
  const root = await temporaryFolder()
  await writeFile(join(root, key), whole)
  return root
}

/** Another directory with other inodes and the same times, as a replica has it. */
async function copyOf(root: string): Promise<string> {
  const copy = await temporaryFolder()
  execFileSync('cp', ['--preserve=timestamps', join(root, key), copy])
  return copy
}

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => ({ size: 0 }))).size

async function etagOf(url: string): Promise<string> {
  const { headers } = await fetch(url, { method: 'HEAD', headers: { authorization } })
  return headers.get('etag') ?? ''
}

describe.skipIf(!isHere('curl'))('curl -C - resumes 50 MB exactly', () => {
  test('across a kill and a restart of the server', { timeout: 30_000 }, async () => {
    const root = await exportFolder()
    const file = join(await temporaryFolder(), 'got')
    const first = await startServer(root)
    const broken = curl(first.url, file, ...slowly)
    await until(async () => (await sizeOf(file)) > 5_000_000)
    await first.kill()
    expect([18, 56]).toContain((await broken).exitCode)
    const there = await sizeOf(file)
    expect(there).toBeGreaterThan(5_000_000)
    expect(there).toBeLessThan(size)
    const second = await startServer(root, { port: first.port })
    expect(await curl(second.url, file, '-C', '-')).toEqual({ exitCode: 0, status: 206 })
    expect(sha256(await readFile(file))).toBe(digest)
    await until(() => second.events.length === 2)
    expect(second.events).toMatchObject([
      { type: 'download_started', ranges: [{ first: there, last: size - 1 }] },
      { type: 'download_ended', outcome: 'completed', bytesSent: size - there, attempts: 1 },
    ])
  })

  test('on a second server, from a copy of the directory, with If-Range', { timeout: 30_000 }, async () => {
    const root = await exportFolder()
    const copy = await copyOf(root)
    const file = join(await temporaryFolder(), 'got')
    const one = await startServer(root)
    const other = await startServer(copy)
    const etag = await etagOf(one.url)
    expect(etag).toMatch(/^"[\w-]{27}"$/)
    expect(await etagOf(other.url)).toBe(etag)
    expect((await stat(join(copy, key))).ino).not.toBe((await stat(join(root, key))).ino)
    const broken = curl(one.url, file, ...slowly)
    await until(async () => (await sizeOf(file)) > 5_000_000)
    await one.kill()
    expect([18, 56]).toContain((await broken).exitCode)
    const resumed = await curl(other.url, file, '-C', '-', '-H', `If-Range: ${etag}`)
    expect(resumed).toEqual({ exitCode: 0, status: 206 })
    expect(sha256(await readFile(file))).toBe(digest)
  })
})

test('8 connections fetch 50 MB exactly, across a killed server', { timeout: 30_000 }, async () => {
  const root = await exportFolder()
  let server = await startServer(root)
  const { url, port } = server
  const etag = await etagOf(url)
  let restarted: Promise<void> | undefined
  const restart = async (): Promise<void> => {
    await server.kill()
    server = await startServer(root, { port })
  }
  const { bytes, statuses, broken } = await downloadInParallel(
    url,
    { size, etag, connections: 8 },
    (received) => {
      if (received > size / 3) restarted ??= restart()
    },
  )
  await restarted
  expect(sha256(bytes)).toBe(digest)
  expect([...statuses]).toEqual([206])
  expect(broken).toBeGreaterThan(0)
})
