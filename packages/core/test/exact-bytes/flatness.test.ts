import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:http2'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { describe, expect, onTestFinished, test } from 'vitest'

import { path } from './guard.ts'

const script = fileURLToPath(new URL('flat-server.ts', import.meta.url))

interface MemoryUse {
  readonly at: number
  readonly heap: number
  readonly listeners: number
  readonly timers: number
}
type Way = 'handler' | 'http' | 'http2'

/** What one download of so many chunks of 1 KiB holds at a tenth of it, and at its end. */
async function measured(chunks: number, way: Way): Promise<MemoryUse[]> {
  const args = ['--expose-gc', '--conditions=@sallyport/source', script, String(chunks), way]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  if (way !== 'handler') swallow[way](Number((await lines.next()).value))
  const { value = '' } = await lines.next()
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(0)
  return JSON.parse(value) as MemoryUse[]
}

const authorization = 'Bearer token'
const swallow: Record<Exclude<Way, 'handler'>, (port: number) => void> = {
  http: (port) => {
    const client = request({ host: '127.0.0.1', port, path, headers: { authorization }, agent: false })
    client.on('response', (response) => response.resume()).end()
  },
  http2: (port) => {
    const session = connect(`http://127.0.0.1:${port}`)
    const stream = session.request({ ':path': path, authorization })
    stream.on('close', () => session.close()).resume()
  },
}

describe('a download holds as much memory at its end as at its beginning', () => {
  // Two to four bytes a chunk would be too many.
  test.each<[number, Way, number]>([
    [3_000_000, 'handler', 5_000_000],
    [100_000, 'http', 200_000],
    [50_000, 'http2', 200_000],
  ])('%i chunks, %s: under %i bytes more', { timeout: 60_000 }, async (chunks, way, most) => {
    const [early, late] = (await measured(chunks, way)) as [MemoryUse, MemoryUse]
    expect([early.at, late.at]).toEqual([0.1, 1])
    expect(late.heap - early.heap).toBeLessThan(most)
    // Nothing is made per chunk against what lives as long as the download.
    expect([late.listeners, late.timers]).toEqual([early.listeners, early.timers])
  })
})
