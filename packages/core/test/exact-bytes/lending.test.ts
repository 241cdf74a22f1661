import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'

import { describe, expect, test } from 'vitest'

import { createChaosStore } from '../../src/testing/chaos-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { ask, openGuard, stands, until } from './guard.ts'
import { lendingStore } from './lending-store.ts'
import { protocols, wire } from './wires.ts'

const bytes = Buffer.from(positionCoded(1_000_003))
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const whole = sha256(bytes)
const delivery = { storeSilenceMs: 100, resume: { attempts: 8, withinMs: 5_000 } }

describe.each(protocols)('over %s', (protocol) => {
  test('borrowed chunks reach the client unchanged, also the one that is kept back', async () => {
    for (const chunkSize of [1_009, 10_007, 65_537, 400_009, bytes.length]) {
      const store = lendingStore(bytes, chunkSize)
      const guard = openGuard(store)
      const server = await wire(protocol, guard.handler)
      const seen = await server.download()
      expect([seen.status, seen.broke, sha256(seen.bytes)]).toEqual([200, undefined, whole])
      expect(store.asked).toEqual({ borrowed: 1, owned: 0 })
      await until(() => guard.ended().length === 1)
      expect(guard.ended()).toMatchObject([{ outcome: 'completed', attempts: 1, bytesSent: bytes.length }])
      await server.close()
    }
  })

  test('also when the download is resumed', async () => {
    const places = [0, 1, 9_999, 10_007, 20_014, 300_000, 500_000, 999_999, bytes.length - 1]
    const does = ['cut', 'throw', 'short', 'stall', 'slow'] as const
    const store = lendingStore(bytes)
    const chaos = createChaosStore(store, {
      faults: places.map((atByte, n) => ({ does: does[n % does.length] ?? 'cut', atByte })),
    })
    const guard = openGuard(chaos, { delivery })
    const server = await wire(protocol, guard.handler)
    const seen = await server.download()
    expect([seen.status, seen.broke, sha256(seen.bytes)]).toEqual([200, undefined, whole])
    expect(chaos.fired).toHaveLength(places.length)
    expect(store.asked.owned).toBe(0)
    await server.close()
  })

  test('also in ranges and in the parts of several ranges', async () => {
    const store = lendingStore(bytes)
    const guard = openGuard(store, { delivery: { multipleRanges: true } })
    const server = await wire(protocol, guard.handler)
    const part = await server.download({ range: 'bytes=5000-700000' })
    expect([part.status, part.bytes.equals(bytes.subarray(5_000, 700_001))]).toEqual([206, true])
    const parts = await server.download({ range: 'bytes=0-49999,300000-350000,-50000' })
    expect(parts.status).toBe(206)
    for (const content of [
      bytes.subarray(0, 50_000),
      bytes.subarray(300_000, 350_001),
      bytes.subarray(-50_000),
    ])
      expect(parts.bytes.includes(content)).toBe(true)
    expect(store.asked.owned).toBe(0)
    await server.close()
  })

  test('the bytes before a cut are right, too, because the client resumes from there', async () => {
    const chaos = createChaosStore(lendingStore(bytes), {
      faults: [{ does: 'cut', atByte: 600_000, times: 20 }],
    })
    const guard = openGuard(chaos, { delivery: { resume: { attempts: 1 } } })
    const server = await wire(protocol, guard.handler)
    const seen = await server.download()
    expect(seen.broke).toBeDefined()
    expect(seen.bytes.equals(bytes.subarray(0, seen.bytes.length))).toBe(true)
    await server.close()
  })

  test('also if the cut comes while a chunk waits for its client', async () => {
    const large = Buffer.from(positionCoded(20_000_003))
    const store = lendingStore(large, 100_003)
    const guard = openGuard(store)
    const server = await wire(protocol, guard.handler)
    const dawdle = Promise.withResolvers<void>()
    const seen = server.download({}, dawdle.promise)
    await stands(store.handed)
    expect(guard.handler.cut(() => true)).toBe(1)
    dawdle.resolve()
    const { bytes, broke } = await seen
    expect(broke).toBeDefined()
    expect(bytes.equals(large.subarray(0, bytes.length))).toBe(true)
    expect(guard.ended()).toMatchObject([{ outcome: 'cut' }])
    await server.close()
  })

  test.each<[string, (response: ServerResponse | Http2ServerResponse, kept: Uint8Array[]) => void]>([
    ['before us', keep],
    ['at the head', keepFromHead],
  ])('a middleware that replaced write %s and keeps chunks borrows nothing', async (when, wrap) => {
    const store = lendingStore(bytes)
    const kept: Uint8Array[] = []
    const guard = openGuard(store)
    const server = await wire(protocol, guard.handler, (response) => wrap(response, kept))
    const seen = await server.download()
    expect([seen.status, seen.broke, sha256(seen.bytes)]).toEqual([200, undefined, whole])
    expect(sha256(Buffer.concat(kept))).toBe(whole)
    expect(store.asked).toEqual(when === 'before us' ? { borrowed: 0, owned: 1 } : { borrowed: 1, owned: 0 })
    await server.close()
  })
})

test('borrowed chunks survive 200 seeds of chaos', async () => {
  const small = bytes.subarray(0, 150_001)
  const outcomes = new Map<string, number>()
  const run = async (seed: number): Promise<void> => {
    const guard = openGuard(createChaosStore(lendingStore(small, 4_099), { seed }), {
      delivery: { storeSilenceMs: 100, firstByteMs: 2_000, resume: { attempts: 2, withinMs: 500 } },
    })
    const { status, body } = await guard.handler.handle(ask({}, { borrow: true }))
    const read: Buffer[] = []
    const expected = status === 200 ? small : Buffer.from('')
    try {
      for await (const chunk of body ?? []) read.push(Buffer.from(chunk))
    } catch {
      // A cut. What came before it is compared.
    }
    const [outcome = ''] = guard.ended().map(({ outcome }) => outcome)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    const bytesRead = Buffer.concat(read).subarray(0, status === 200 ? Infinity : 0)
    expect({ seed, right: bytesRead.equals(expected.subarray(0, bytesRead.length)) }).toEqual({
      seed,
      right: true,
    })
    expect({ seed, whole: bytesRead.length === small.length }).toEqual({
      seed,
      whole: outcome === 'completed',
    })
  }
  const seeds = Array.from({ length: 200 }, (_, seed) => seed)
  const worker = async (): Promise<void> => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) await run(seed)
  }
  await Promise.all(Array.from({ length: 20 }, worker))
  expect(outcomes.get('completed')).toBeGreaterThan(50)
  expect(outcomes.size).toBeGreaterThan(3)
})

test('a reader that does not set borrow gets memory of its own', async () => {
  const store = lendingStore(bytes)
  const { handler } = openGuard(createChaosStore(store, { faults: [{ does: 'cut', atByte: 500_000 }] }))
  const { body } = await handler.handle(ask())
  const kept: Uint8Array[] = []
  for await (const chunk of body ?? []) kept.push(chunk)
  expect(sha256(Buffer.concat(kept))).toBe(whole)
  expect(store.asked).toEqual({ borrowed: 0, owned: 2 })
})

/** As response middlewares do that write later, elsewhere or twice: chunks are kept by reference. */
function keep(response: ServerResponse | Http2ServerResponse, kept: Uint8Array[]): void {
  const [write, end] = [response.write.bind(response), response.end.bind(response)] as [
    (...args: unknown[]) => boolean,
    (...args: unknown[]) => typeof response,
  ]
  const keeping = (chunk: unknown): void => {
    // On HTTP/2 end() calls write().
    if (chunk instanceof Uint8Array && kept.at(-1) !== chunk) kept.push(chunk)
  }
  Object.assign(response, {
    write: (...args: unknown[]) => {
      keeping(args[0])
      return write(...args)
    },
    end: (...args: unknown[]) => {
      keeping(args[0])
      return end(...args)
    },
  })
}

/** As those that wait for the head, to see what is sent (`on-headers`). */
function keepFromHead(response: ServerResponse | Http2ServerResponse, kept: Uint8Array[]): void {
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => unknown
  Object.assign(response, {
    writeHead: (...args: unknown[]) => {
      keep(response, kept)
      return writeHead(...args)
    },
  })
}
