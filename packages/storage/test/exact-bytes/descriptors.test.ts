import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { positionCoded } from '@sallyport/core/testing'
import { expect, test } from 'vitest'

import { openFiles } from '../../../../scripts/servers/open-files.ts'
import { temporaryFolder } from '../filesystem/temporary-folder.ts'
import { download } from './clients.ts'
import { key } from './guarded.ts'
import { startServer } from './server-process.ts'
import { until } from './waiting.ts'

/** More than kernels take: who does not read keeps the file open. */
const size = 8_000_000
const whole = Buffer.from(positionCoded(size))

test(
  'a server of 128 descriptors refuses some of 200 clients, and recovers by itself',
  { timeout: 30_000 },
  async () => {
    const root = await temporaryFolder()
    await writeFile(join(root, key), whole)
    const server = await startServer(root, { descriptors: 128 })
    const descriptors = (): number => openFiles(server.pid).length
    const before = descriptors()

    // Those that are served hold their descriptors until all have asked.
    const dawdle = Promise.withResolvers<void>()
    const all = Promise.all(
      Array.from({ length: 200 }, () => download(server.port, {}, dawdle.promise).catch(() => undefined)),
    )
    await until(() => server.events.some((event) => event.type === 'trouble'))
    dawdle.resolve()
    const seen = await all

    const served = seen.filter((answer) => answer?.status === 200)
    const refused = seen.filter((answer) => answer?.status === 503)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.every((answer) => Number(answer?.headers['retry-after']) >= 5)).toBe(true)
    expect(served.every((answer) => answer?.complete === true && answer.bytes.equals(whole))).toBe(true)
    expect(server.events).toContainEqual(
      expect.objectContaining({ type: 'trouble', port: 'store', code: 'store_unavailable' }),
    )
    // The others found no descriptor for their socket: their connection was dropped, or waited its turn.
    expect(seen.every((answer) => [undefined, 200, 503].includes(answer?.status))).toBe(true)

    await until(() => descriptors() <= before)
    const again = await Promise.all(Array.from({ length: 20 }, () => download(server.port)))
    expect(again.map(({ status, complete }) => [status, complete])).toEqual(again.map(() => [200, true]))
  },
)
