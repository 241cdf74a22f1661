import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'

import { createLeakScanner } from '@sallyport/core/testing'

import { freePort, until } from '../../scripts/servers/daemon.ts'
import type { Check, Service } from './check-service.ts'
import { headersFor, pausedDownload, sha256, start } from './check-service.ts'

/** What a service logs, and that a log which cannot be written harms nobody. */
export const logChecks: readonly Check<void>[] = [
  {
    title: 'the log has one line for each request, without causes',
    run: async () => {
      const service = await start()
      await threeRequests(service)
      assert.equal(await service.end(), 0)
      const logged = eventsOf(service)
      assert.deepEqual(
        logged.map(({ level, type, outcome }) => [level, type, outcome]),
        [
          ['info', 'download_ended', 'completed'],
          ['info', 'request_ended', 'completed'],
          ['info', 'request_ended', 'refused'],
        ],
      )
      assert(logged.every((line) => typeof line['time'] === 'string' && !('cause' in line)))
      assert.deepEqual(createLeakScanner().find(service.lines.slice(5)), [])
    },
  },
  {
    title: 'LOG_LEVEL=debug adds the start of a download, and causes',
    run: async () => {
      const service = await start({ LOG_LEVEL: 'debug' })
      await threeRequests(service)
      assert.equal(await service.end(), 0)
      const logged = eventsOf(service)
      assert.deepEqual(
        logged.map(({ type }) => type),
        ['download_started', 'download_ended', 'request_ended', 'request_ended'],
      )
      assert.match(String(logged[3]?.['cause']), /Error/)
    },
  },
  {
    title: 'LOG_LEVEL=warn logs no request that went as it should',
    run: async () => {
      const service = await start({ LOG_LEVEL: 'warn' })
      await threeRequests(service)
      assert.equal(await service.end(), 0)
      assert.deepEqual(eventsOf(service), [])
    },
  },
  {
    title: 'a log that nobody reads delays no request, and loses no line when it is read again',
    run: async () => {
      const service = await start({ RATE_CAPACITY: '100000' })
      service.process.stdout?.pause()
      // 2,000 lines are more than a pipe holds.
      for (let round = 0; round < 200; round += 1)
        await Promise.all(Array.from({ length: 10 }, () => head(service)))
      await wholeDownload(service)
      service.process.stdout?.resume()
      await until('all lines are read', () => eventsOf(service).length === 2_001)
      assert.equal(await service.end(), 0)
    },
  },
  {
    title: 'a log whose reader has gone ends no download, and the service ends with 0',
    run: async () => {
      const service = await start()
      const download = await pausedDownload(service)
      service.process.stdout?.destroy()
      for (let nth = 0; nth < 10; nth += 1) await head(service)
      assert.equal(sha256(await buffer(download)), sha256(await readFile(service.file)))
      assert.equal(await service.end(), 0)
    },
  },
  {
    title: 'a log on a full disk ends no download, and the service ends with 0',
    ...(!existsSync('/dev/full') && { skipped: 'needs /dev/full' }),
    run: async () => {
      const port = await freePort()
      const full = await open('/dev/full', 'w')
      const args = ['--conditions=@sallyport/source', '--disable-warning=ExperimentalWarning', 'server.ts']
      const env = { PATH: process.env['PATH'] ?? '', PORT: String(port) }
      const service = spawn(process.execPath, args, { env, stdio: ['ignore', full.fd, 'inherit'] })
      const exit = once(service, 'exit') as Promise<[number | null]>
      const status = (path: string): Promise<number> =>
        fetch(`http://127.0.0.1:${port}${path}`).then(
          (response) => response.status,
          () => 0,
        )
      await until('it listens', async () => (await status('/healthz')) === 200)
      for (let nth = 0; nth < 10; nth += 1) assert.equal(await status('/nothing'), 404)
      service.kill('SIGTERM')
      assert.equal((await exit)[0], 0)
      await full.close()
    },
  },
]

async function threeRequests(service: Service): Promise<void> {
  await wholeDownload(service)
  await head(service)
  assert.equal((await fetch(service.url)).status, 401)
}

async function wholeDownload(service: Service): Promise<void> {
  const response = await fetch(service.url, { headers: headersFor(service) })
  assert.equal(sha256(new Uint8Array(await response.arrayBuffer())), sha256(await readFile(service.file)))
}

async function head(service: Service): Promise<void> {
  assert.equal((await fetch(service.url, { method: 'HEAD', headers: headersFor(service) })).status, 200)
}

/** The lines of JSON, parsed. */
const eventsOf = ({ lines }: Service): readonly Readonly<Record<string, unknown>>[] =>
  lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>)
