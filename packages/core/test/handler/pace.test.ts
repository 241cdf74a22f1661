import { connect } from 'node:net'

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { createExportHandler } from '../../src/export-handler.ts'
import type { DeliveryOptions } from '../../src/options/options.ts'
import type { ExportStore } from '../../src/ports.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { ids, openScene, pathOf, soundOptions } from './scene.ts'

const large = createMemoryStore({ 'acme/ready': 'x'.repeat(200_000) })

describe('a download of 200,000 bytes at 10,000 bytes a second', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Reads without a socket. Gives how it ended, after how many seconds, and in how many opens. */
  async function read(delivery: DeliveryOptions, store: ExportStore = large): Promise<unknown> {
    const ends: unknown[] = []
    const handler = createExportHandler({
      ...soundOptions(),
      store,
      delivery: { bytesPerSecond: 10_000, ...delivery },
      onEvent: (event) => {
        if (event.type === 'download_ended')
          ends.push([event.outcome, Math.ceil(event.durationMs / 1_000), event.attempts])
      },
    })
    const fields = new Map([
      ['authorization', 'Bearer ann'],
      ['x-org-name', 'acme'],
    ])
    const { body } = await handler.handle({
      method: 'GET',
      params: { exportId: ids.ready },
      header: (name) => fields.get(name),
      signal: new AbortController().signal,
    })
    const reading = (async () => {
      for await (const _ of body ?? []) void _
    })().catch(() => undefined)
    await vi.advanceTimersByTimeAsync(60_000)
    await reading
    return ends[0]
  }

  test('takes 20 s', async () => {
    expect(await read({})).toEqual(['completed', 20, 1])
  })

  test('is not held against the store or the client', async () => {
    const fast = { bytes: 1_000_000, perMs: 1_000 }
    expect(await read({ slowestStore: fast, slowestClient: fast, storeSilenceMs: 100 })).toEqual([
      'completed',
      20,
      1,
    ])
  })

  test('counts for the lifetime', async () => {
    expect(await read({ lifetimeMs: 5_000 })).toEqual(['lifetime_over', 5, 1])
  })

  test('opens its object again if the store breaks off, and keeps the pace', async () => {
    const broken = createChaosStore(large, { faults: [{ does: 'cut', atByte: 100_000 }] })
    expect(await read({}, broken)).toEqual(['completed', 20, 2])
  })
})

test.each(['cut', 'drain', 'leave'] as const)('%s ends a pause at once', async (does) => {
  // A piece of 1,024 bytes, then a pause of a second.
  await using scene = await openScene({ store: large, delivery: { bytesPerSecond: 1_024 } })
  const client = connect(scene.port, '127.0.0.1').on('error', () => undefined)
  const closed = new Promise((resolve) => client.once('close', resolve))
  client.write(
    `GET ${pathOf(ids.ready)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ann\r\nX-Org-Name: acme\r\n\r\n`,
  )
  client.resume()
  await expect.poll(() => scene.handler.downloads()[0]?.bytesSent, { interval: 5 }).toBe(1_024)
  if (does === 'cut') scene.handler.cut(() => true)
  if (does === 'drain') void scene.handler.drain({ withinMs: 0 })
  if (does === 'leave') client.destroy()
  await scene.over(1)
  await closed
  expect(scene.ended()[0]?.outcome).toBe({ cut: 'cut', drain: 'shut_down', leave: 'client_aborted' }[does])
  expect(scene.ended()[0]?.bytesSent).toBe(1_024)
})
