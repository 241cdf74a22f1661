import { getEventListeners } from 'node:events'

import { describe, expect, test } from 'vitest'

import { readObject } from '../../../src/delivery/export-bytes.ts'
import { measureStoreSpeed } from '../../../src/delivery/object-chunks.ts'
import type { RefusalKind } from '../../../src/refusals.ts'
import { refusalDetail, refuse } from '../../../src/refusals.ts'
import { drain, ends, gives, hangs, scripted } from '../sources.ts'

/** No floor but the longest silence, in milliseconds. */
const silent = (ms: number) => measureStoreSpeed(ms, { bytes: 1, perMs: 1_000_000 })
const { signal: calm } = new AbortController()

describe('an open object', () => {
  test('is read to its end, and closed once', async () => {
    const object = scripted(gives(3), gives(4), ends)
    expect(await drain(readObject(object, silent(1_000), calm))).toMatchObject({ lengths: [3, 4] })
    expect(object.closed()).toBe(1)
  })

  test('that sends nothing is stalled, and is closed while its read still hangs', async () => {
    const object = scripted(gives(3), hangs)
    const { lengths, error } = await drain(readObject(object, silent(20), calm))
    expect([lengths, error]).toMatchObject([[3], { outcome: 'store_stalled' }])
    expect(object.closed()).toBe(1)
  })

  test('is not stalled while its reader has a chunk', async () => {
    const object = scripted(gives(3), gives(4), ends)
    let read = 0
    for await (const chunk of readObject(object, silent(20), calm)) {
      read += chunk.length
      await new Promise((resolve) => setTimeout(resolve, 60))
    }
    expect(read).toBe(7)
  })

  test('whose read fails ends as store_cut, with the cause', async () => {
    const cause = new Error('ECONNRESET')
    const object = scripted(gives(3), () => Promise.reject(cause))
    const { error } = await drain(readObject(object, silent(1_000), calm))
    expect(error).toMatchObject({ outcome: 'store_cut', cause })
    expect(object.closed()).toBe(1)
  })

  test.each<[RefusalKind, string]>([
    ['unavailable', 'store_cut'],
    ['object_changed', 'object_changed'],
    ['upstream_error', 'store_wrong'],
  ])('whose read refuses %s ends as %s, with a trouble code', async (kind, outcome) => {
    const object = scripted(async () => refuse(kind))
    const { error } = await drain(readObject(object, silent(1_000), calm))
    expect(error).toMatchObject({ outcome, trouble: outcome })
  })

  test.each([['a text'], [undefined], [[1, 2]], [new ArrayBuffer(8)], [new Uint16Array(4)]])(
    'that gives %j as a chunk is refused',
    async (value) => {
      const object = scripted(async () => ({ done: false, value: value as unknown as Uint8Array }))
      const { error } = await drain(readObject(object, silent(1_000), calm))
      expect(refusalDetail(error)).toMatchObject({
        kind: 'upstream_error',
        trouble: 'chunk_malformed',
      })
      expect(object.closed()).toBe(1)
    },
  )

  test('that throws synchronously, or has no chunks, is closed, too', async () => {
    const throwing = scripted(() => {
      throw new Error('at once')
    })
    expect((await drain(readObject(throwing, silent(1_000), calm))).error).toMatchObject({
      outcome: 'store_cut',
      cause: new Error('at once'),
    })
    const none = { ...scripted(), chunks: {} as AsyncIterable<Uint8Array> }
    let closed = 0
    const { error } = await drain(
      readObject({ ...none, close: () => void (closed += 1) }, silent(1_000), calm),
    )
    expect(error).toMatchObject({ outcome: 'store_cut', cause: { name: 'TypeError' } })
    expect([closed, throwing.closed()]).toEqual([1, 1])
  })
})

describe('the signal', () => {
  test.each([
    ['before the first read', [gives(3)], []],
    ['under a read that hangs', [gives(3), hangs], [3]],
  ])('ends the read %s, with its reason', async (when, reads, seen) => {
    const controller = new AbortController()
    const reason = new Error('the client left')
    const object = scripted(...reads)
    if (when.startsWith('before')) controller.abort(reason)
    else setTimeout(() => controller.abort(reason), 10)
    expect(await drain(readObject(object, silent(1_000), controller.signal))).toMatchObject({
      lengths: seen,
      error: reason,
    })
    expect([object.closed(), getEventListeners(controller.signal, 'abort').length]).toEqual([1, 0])
  })

  test('has one listener, however many chunks there are', async () => {
    const { signal } = new AbortController()
    const most: number[] = []
    const reads = Array.from({ length: 100 }, () => gives(1))
    for await (const _ of readObject(scripted(...reads), silent(1_000), signal))
      most.push(getEventListeners(signal, 'abort').length)
    expect([most.length, Math.max(...most)]).toEqual([100, 1])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

test('a reader that leaves closes the object', async () => {
  const object = scripted(gives(3), gives(4))
  for await (const chunk of readObject(object, silent(1_000), calm)) if (chunk.length > 0) break
  expect(object.closed()).toBe(1)
})
