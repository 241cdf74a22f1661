import { createHash } from 'node:crypto'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'

import { createChaosStore, positionCoded } from '@sallyport/core/testing'
import { describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { createFilesystemStore } from '../../src/filesystem.ts'
import { temporaryFolder } from '../filesystem/temporary-folder.ts'
import { curl } from './curl.ts'
import { guarded, key, path } from './guarded.ts'
import { type Nginx, startNginx } from './nginx.ts'
import { countedChunks, watchedServer } from './outstanding.ts'
import { until } from './waiting.ts'

const size = 60_000_000
const whole = Buffer.from(positionCoded(size))
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function exportFolder(): Promise<string> {
  const root = await temporaryFolder()
  await writeFile(join(root, key), whole)
  return root
}
const fileToGet = async (): Promise<string> => join(await temporaryFolder(), 'got')

/** The most files that nginx had open while something went on. */
async function mostFiles(nginx: Nginx, meanwhile: Promise<unknown>): Promise<number> {
  let most = 0
  const looking = setInterval(() => (most = Math.max(most, nginx.bufferedFiles())), 20)
  await meanwhile.finally(() => clearInterval(looking))
  return most
}

/** As the guard answers, but for the word to the proxy. */
const without =
  (name: string, listener: RequestListener): RequestListener =>
  (request, response) => {
    const writeHead = response.writeHead.bind(response)
    Object.assign(response, {
      writeHead: (status: number, headers: Record<string, string>) => {
        const kept = Object.entries(headers).filter(([field]) => field !== name)
        return writeHead(status, Object.fromEntries(kept))
      },
    })
    listener(request, response)
  }

describe.skipIf(!isHere('nginx') || !isHere('curl'))('behind nginx with its default configuration', () => {
  // The client here is never still for so long, unless somebody takes it all from us and feeds it from a disk.
  const delivery = { slowestClient: { bytes: 500_000, perMs: 2_500 } }
  const at = ['--limit-rate', '10M']

  test(
    'nginx writes no temporary file for a slow client, and does not cut it',
    { timeout: 30_000 },
    async () => {
      const guard = guarded(createFilesystemStore({ root: await exportFolder() }), { delivery })
      const server = await watchedServer(guard.listener, () => 0)
      const nginx = await startNginx(server.port)
      const file = await fileToGet()
      const begun = performance.now()
      const got = curl(`http://127.0.0.1:${nginx.port}${path}`, file, ...at)
      expect(await mostFiles(nginx, got)).toBe(0)
      expect(await got).toEqual({ exitCode: 0, status: 200 })
      expect(performance.now() - begun).toBeGreaterThan(4_000)
      expect(sha256(await readFile(file))).toBe(sha256(whole))
      expect(guard.ended()).toMatchObject([{ outcome: 'completed', attempts: 1 }])
    },
  )

  test(
    'without our word to it, nginx takes it all and keeps it on its disk',
    { timeout: 30_000 },
    async () => {
      const guard = guarded(createFilesystemStore({ root: await exportFolder() }), { delivery })
      const server = await watchedServer(without('X-Accel-Buffering', guard.listener), () => 0)
      const nginx = await startNginx(server.port)
      const got = curl(`http://127.0.0.1:${nginx.port}${path}`, await fileToGet(), '--limit-rate', '30M')
      expect(await mostFiles(nginx, got)).toBe(1)
      expect(await got).toEqual({ exitCode: 0, status: 200 })
    },
  )

  test('ranges, HEAD, 304 and 416 pass', async () => {
    const guard = guarded(createFilesystemStore({ root: await exportFolder() }))
    const server = await watchedServer(guard.listener, () => 0)
    const nginx = await startNginx(server.port)
    const ask = (fields: Record<string, string>, method = 'GET'): Promise<Response> =>
      fetch(`http://127.0.0.1:${nginx.port}${path}`, {
        method,
        headers: { authorization: 'Bearer token', ...fields },
      })
    const part = await ask({ range: 'bytes=1000-1999' })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 1000-1999/${size}`])
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(1_000, 2_000))).toBe(true)
    const etag = part.headers.get('etag') ?? ''
    const head = await ask({}, 'HEAD')
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)])
    expect((await ask({ 'if-none-match': etag })).status).toBe(304)
    const none = await ask({ range: `bytes=${size}-` })
    expect([none.status, none.headers.get('content-range')]).toEqual([416, `bytes */${size}`])
    await none.body?.cancel()
  })

  test('the client sees a cut, because Content-Length is always sent', async () => {
    const store = createFilesystemStore({ root: await exportFolder() })
    const chaos = createChaosStore(store, { faults: [{ does: 'cut', atByte: 20_000_000, times: 99 }] })
    const guard = guarded(chaos, { delivery: { resume: { attempts: 1 } } })
    const server = await watchedServer(guard.listener, () => 0)
    const nginx = await startNginx(server.port)
    const file = await fileToGet()
    const { exitCode, status } = await curl(`http://127.0.0.1:${nginx.port}${path}`, file)
    expect([status, [18, 56].includes(exitCode)]).toEqual([200, true])
    const got = await readFile(file)
    expect(got.length).toBeLessThan(size)
    expect(got.equals(whole.subarray(0, got.length))).toBe(true)
    expect(guard.ended()).toMatchObject([{ outcome: 'store_cut' }])
    // And taken up again where it stopped, once the store holds.
    const restarted = await watchedServer(guarded(store).listener, () => 0)
    const again = await startNginx(restarted.port)
    expect(await curl(`http://127.0.0.1:${again.port}${path}`, file, '-C', '-')).toEqual({
      exitCode: 0,
      status: 206,
    })
    expect(sha256(await readFile(file))).toBe(sha256(whole))
  })

  test('the client sees that the file was truncated', async () => {
    const root = await exportFolder()
    const { store, chunks } = countedChunks(createFilesystemStore({ root }))
    const guard = guarded(store)
    const server = await watchedServer(guard.listener, () => 0)
    const nginx = await startNginx(server.port)
    const file = await fileToGet()
    const got = curl(`http://127.0.0.1:${nginx.port}${path}`, file, '--limit-rate', '20M')
    await until(() => chunks() > 10)
    await truncate(join(root, key), 1_000)
    expect([18, 56]).toContain((await got).exitCode)
    expect(guard.ended()).toMatchObject([{ outcome: 'object_changed' }])
  })
})
