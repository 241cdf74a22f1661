import { appendFile, open, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { positionCoded } from '@sallyport/core/testing'
import { describe, expect, test } from 'vitest'

import { createFilesystemStore } from '../../src/filesystem.ts'
import { heldOpenBelow, temporaryFolder } from '../filesystem/temporary-folder.ts'
import { download, leaveAfter, readByteByByte } from './clients.ts'
import { guarded, type Guarded, key } from './guarded.ts'
import { countedChunks, countedLimiter, type WatchedServer, watchedServer } from './outstanding.ts'
import { startServer } from './server-process.ts'
import { stands, until } from './waiting.ts'

/** More than the socket buffers of both sides hold, so a client that does not read stops the download. */
const size = 30_000_000
const old = Buffer.from(positionCoded(size))
const fresh = Buffer.from(positionCoded(size, 2))

interface Scene {
  readonly file: string
  readonly guard: Guarded
  readonly server: WatchedServer
  readonly chunks: () => number
  /** Waits until everything is where it was. */
  readonly nothingLeft: () => Promise<void>
}

async function scene(delivery = {}): Promise<Scene> {
  const root = await temporaryFolder()
  const file = join(root, key)
  await writeFile(file, old)
  const { store, chunks } = countedChunks(createFilesystemStore({ root }))
  const { limiter, places } = countedLimiter()
  const guard = guarded(store, {
    delivery,
    limits: {
      perPrincipal: { capacity: 10_000, refill: 10_000, perMs: 100 },
      concurrent: { perPrincipal: 1_000 },
      limiter,
    },
  })
  const server = await watchedServer(guard.listener, places)
  const before = server.outstanding()
  const nothingLeft = (): Promise<void> =>
    until(() => {
      const { descriptors, timers, sockets, places } = server.outstanding()
      return (
        descriptors <= before.descriptors &&
        timers <= before.timers &&
        sockets + places + heldOpenBelow(root).length === 0
      )
    })
  return { file, guard, server, chunks, nothingLeft }
}

type Change = (file: string) => Promise<unknown>

/** Writes over a file's own bytes, from a position on. */
const overwrite = async (file: string, position: number): Promise<void> => {
  const handle = await open(file, 'r+')
  await handle.write(fresh, position, size - position, position)
  await handle.close()
}
const renameOver: Change = async (file) => {
  await writeFile(`${file}.new`, fresh)
  await rename(`${file}.new`, file)
}

describe('a file that changes under a running download', () => {
  const whole: [string, Change][] = [
    ['replaced by rename', renameOver],
    ['deleted', (file) => rm(file)],
  ]
  test.each(whole)('%s: the client gets all old bytes', async (_, change) => {
    const { file, guard, server, chunks, nothingLeft } = await scene()
    const dawdle = Promise.withResolvers<void>()
    const seen = download(server.port, {}, dawdle.promise)
    await stands(chunks)
    await change(file)
    dawdle.resolve()
    const { status, bytes, complete } = await seen
    expect([status, complete, bytes.equals(old)]).toEqual([200, true, true])
    await until(() => guard.ended().length === 1)
    expect(guard.ended()).toMatchObject([{ outcome: 'completed', attempts: 1, bytesSent: size }])
    await nothingLeft()
  })

  // A file under another name could be read on. But its change time is all that betrays a time that was set back.
  const moved: [string, Change] = ['renamed', (file) => rename(file, `${file}.gone`)]
  const cut: [string, Change][] = [
    ['truncated', (file) => truncate(file, 20_000_000)],
    ['truncated to nothing', (file) => truncate(file, 0)],
    ['grown', (file) => appendFile(file, 'more\n')],
    ['rewritten in place', (file) => overwrite(file, 0)],
    ['rewritten in place at its end alone', (file) => overwrite(file, size - 1)],
    [
      'rewritten in place, and its time set back',
      async (file) => {
        const { atime, mtime } = await stat(file)
        await overwrite(file, 0)
        await utimes(file, atime, mtime)
      },
    ],
    [
      'truncated and written anew',
      async (file) => {
        await truncate(file, 0)
        await writeFile(file, fresh)
      },
    ],
  ]
  test.each([moved, ...cut])(
    '%s: the download is cut, with no byte that the file did not have',
    async (_, change) => {
      const { file, guard, server, chunks, nothingLeft } = await scene()
      const dawdle = Promise.withResolvers<void>()
      const seen = download(server.port, {}, dawdle.promise)
      await stands(chunks)
      await change(file)
      dawdle.resolve()
      const { status, bytes, complete } = await seen
      expect([status, complete]).toEqual([200, false])
      expect(bytes.length).toBeLessThan(size)
      await until(() => guard.ended().length === 1)
      expect(guard.ended()).toMatchObject([{ outcome: 'object_changed', bytesPromised: size }])
      await nothingLeft()
    },
  )

  test.each([...whole.slice(0, 1), ...cut])(
    '%s: a resume never continues in another file',
    async (_, change) => {
      const { file, server } = await scene()
      const { headers } = await download(server.port, { range: 'bytes=0-0' })
      await change(file)
      const now = await download(server.port, {
        range: 'bytes=15000000-',
        'if-range': String(headers['etag']),
      })
      expect([now.status, now.complete, now.headers['etag'] === headers['etag']]).toEqual([200, true, false])
      expect(now.bytes.length).toBe((await stat(file)).size)
    },
  )
})

test('a client that reads one byte a second is cut by the floor', async () => {
  const { guard, server, nothingLeft } = await scene({ slowestClient: { bytes: 100_000, perMs: 400 } })
  const client = readByteByByte(server.port, 1_000)
  await until(() => guard.ended().length === 1)
  expect(client.read()).toBeLessThan(10)
  client.leave()
  expect(guard.ended()).toMatchObject([{ outcome: 'client_too_slow' }])
  await nothingLeft()
})

test('400 downloads that stop at random bytes leak nothing', { timeout: 30_000 }, async () => {
  const { guard, server, nothingLeft } = await scene()
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => leaveAfter(server.port, ((round * 20 + n) * 104_729) % 3_000_000)),
    )
  }
  await until(() => guard.ended().length === 400)
  expect(new Set(guard.ended().map(({ outcome }) => outcome))).toEqual(new Set(['client_aborted']))
  await nothingLeft()
})

test('1,000 downloads that stop at random bytes leak no memory', { timeout: 60_000 }, async () => {
  const root = await temporaryFolder()
  await writeFile(join(root, key), old)
  const server = await startServer(root)
  const leave = async (often: number): Promise<number> => {
    const ended = (): number => server.events.filter((event) => 'outcome' in event).length
    const before = ended()
    for (let n = 0; n < often; n += 20) {
      const bytes = Array.from({ length: 20 }, (_, i) => ((n + i) * 104_729) % 300_000)
      await Promise.all(bytes.map((many) => leaveAfter(server.port, many)))
    }
    await until(() => ended() === before + often)
    return server.held()
  }
  // The first ones also pay for what V8 learns and forgets again.
  const early = await leave(1_200)
  const late = await leave(1_000)
  // 1 KB for each of them would be too much.
  expect(late - early).toBeLessThan(1_000_000)
})
