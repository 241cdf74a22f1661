import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { DeliveryOptions, ExportStore } from '@sallyport/core'
import { positionCoded } from '@sallyport/core/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import type { RuleFor } from '../../../scripts/servers/fault-proxy.ts'
import { createFilesystemStore } from '../src/filesystem.ts'
import { type Backend, backends } from './served/backends.ts'
import { startService } from './served/service.ts'

const KEY = 'keycanary.jsonl'
const SIZE = 4_000_000
const whole = positionCoded(SIZE)
const HALF = SIZE / 2

const FORBIDDEN = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

/** What a host reads of one download: the codes of its troubles, and how it ended. */
async function troubleOf(
  store: ExportStore,
  delivery: DeliveryOptions,
): Promise<{
  readonly codes: readonly string[]
  readonly status: number
  readonly outcome: string | undefined
}> {
  const service = await startService(store, { key: KEY, delivery })
  const { status } = await service.download()
  await expect.poll(() => service.events.at(-1)?.type).toMatch(/_ended$/)
  await service.close()
  return {
    codes: service.events.flatMap((event) => (event.type === 'trouble' ? [event.code] : [])),
    status,
    outcome: service.events.flatMap((event) => ('outcome' in event ? [event.outcome] : []))[0],
  }
}

const firstly =
  (first: Awaited<ReturnType<RuleFor>>, later: Awaited<ReturnType<RuleFor>> = {}): RuleFor =>
  (nth) =>
    nth === 1 ? first : later

describe.each(backends)('the trouble codes of $name', ({ here, start }) => {
  describe.skipIf(!here)('behind a network that breaks', { timeout: 30_000 }, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await start()
      await backend.put(KEY, whole)
    }, 120_000)
    afterAll(() => backend?.close())
    beforeEach(() => {
      backend.proxy.killAll()
      backend.proxy.reset()
    })
    const once = { resume: { attempts: 1 } }
    const impatient = { ...once, storeSilenceMs: 1_000 }

    test.each<[string, RuleFor, DeliveryOptions, object]>([
      [
        'a body that is reset and reopened',
        firstly({ cutAfter: HALF, how: 'reset' }),
        {},
        { codes: ['store_cut'], status: 200, outcome: 'completed' },
      ],
      [
        'a body that ends early and is reopened',
        firstly({ cutAfter: HALF, how: 'end' }),
        {},
        { codes: ['store_cut'], status: 200, outcome: 'completed' },
      ],
      [
        'a body that stalls and is reopened',
        firstly({ cutAfter: HALF, how: 'stall' }),
        impatient,
        { codes: ['store_stalled'], status: 200, outcome: 'completed' },
      ],
      [
        'a body that is reset, and whose re-opens are refused',
        firstly({ cutAfter: HALF, how: 'reset' }, { refuse: true }),
        once,
        { codes: ['store_cut'], status: 200, outcome: 'store_cut' },
      ],
      [
        'a body that is reset, and whose re-opens time out',
        firstly({ cutAfter: HALF, how: 'reset' }, { cutAfter: 1, how: 'stall' }),
        impatient,
        { codes: ['store_cut'], status: 200, outcome: 'store_stalled' },
      ],
      [
        'a body that is reset, and whose re-open is a 403',
        firstly({ cutAfter: HALF, how: 'reset' }, { answer: FORBIDDEN }),
        once,
        { codes: ['store_cut', 'store_wrong'], status: 200, outcome: 'store_wrong' },
      ],
      [
        'a 403 before the first byte',
        () => ({ answer: FORBIDDEN }),
        {},
        { codes: ['store_wrong'], status: 502, outcome: 'refused' },
      ],
      [
        'a store that refuses every connection',
        () => ({ refuse: true }),
        {},
        { codes: ['store_unavailable'], status: 503, outcome: 'refused' },
      ],
      [
        'a store that never answers',
        () => ({ cutAfter: 1, how: 'stall' }),
        { firstByteMs: 400 },
        { codes: ['store_silent'], status: 503, outcome: 'refused' },
      ],
    ])('%s', async (_, rule, delivery, expected) => {
      backend.proxy.setRule(rule)
      expect(await troubleOf(backend.store, delivery)).toEqual(expected)
    })
  })
})

describe('the trouble codes of a disk', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sallyport-codes-'))
    await writeFile(join(root, KEY), whole)
    return () => rm(root, { recursive: true, force: true })
  })

  /** Runs `change` once the first chunk of the file has been read. */
  const changing = (change: () => Promise<void>): ExportStore => {
    const store = createFilesystemStore({ root })
    const touched = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      let isFirst = true
      for await (const chunk of chunks) {
        yield chunk
        if (isFirst) await change()
        isFirst = false
      }
    }
    return {
      ...store,
      get: async (...asked) => {
        const object = await store.get(...asked)
        return object && { ...object, chunks: touched(object.chunks) }
      },
    }
  }

  test('that does not fail', async () => {
    expect(await troubleOf(createFilesystemStore({ root }), {})).toEqual({
      codes: [],
      status: 200,
      outcome: 'completed',
    })
  })

  test('whose file is truncated under a download', async () => {
    expect(
      await troubleOf(
        changing(() => truncate(join(root, KEY), 10)),
        {},
      ),
    ).toEqual({
      codes: ['object_changed'],
      status: 200,
      outcome: 'object_changed',
    })
  })

  test('that has no root', async () => {
    await rm(root, { recursive: true })
    expect(await troubleOf(createFilesystemStore({ root }), {})).toMatchObject({
      codes: ['store_unavailable'],
      status: 503,
    })
  })
})
