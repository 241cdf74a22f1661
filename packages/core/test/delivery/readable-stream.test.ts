import { expect, test, vi } from 'vitest'

import { DeliveryError } from '../../src/delivery/delivery-error.ts'
import { toReadableStream } from '../../src/delivery/readable-stream.ts'
import type { ExportBody } from '../../src/request-response.ts'
import { chunksOf, drain } from './sources.ts'

/** A body, how many chunks were asked of it, and whether it was let go. */
function watched(
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
  signal?: AbortSignal,
): { body: ExportBody; seen: { asked: number; released: boolean } } {
  const seen = { asked: 0, released: false }
  const watch = async function* watch(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of chunks) {
        seen.asked += 1
        yield chunk
      }
    } finally {
      seen.released = true
    }
  }
  const body = { length: 7, ...(signal && { signal }), [Symbol.asyncIterator]: watch }
  return { body, seen }
}

test('gives the bytes, and asks for a chunk only when its reader does', async () => {
  const { body, seen } = watched(chunksOf(3, 4))
  const stream = toReadableStream(body)
  await new Promise(setImmediate)
  expect(seen.asked).toBe(0)
  const reader = stream.getReader()
  expect((await reader.read()).value).toHaveLength(3)
  await new Promise(setImmediate)
  expect(seen.asked).toBe(1)
  reader.releaseLock()
  expect((await drain(stream)).lengths).toEqual([4])
  expect(seen.released).toBe(true)
})

const cut = new Error('cut')

test('errors without a cause when the body fails', async () => {
  const failing = async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* chunksOf(3)
    throw new DeliveryError('store_cut', new Error('secret'))
  }
  const { lengths, error } = await drain(toReadableStream(watched(failing()).body))
  expect([lengths, error]).toEqual([[3], cut])
  expect(error).not.toHaveProperty('cause')
})

test('errors when the body signal fires, and releases the body', async () => {
  const controller = new AbortController()
  const { body, seen } = watched(chunksOf(3, 4), controller.signal)
  const reader = toReadableStream(body).getReader()
  await reader.read()
  controller.abort(new DeliveryError('client_too_slow'))
  await expect(reader.closed).rejects.toEqual(cut)
  await vi.waitFor(() => expect(seen.released).toBe(true))
  const late = toReadableStream(watched(chunksOf(3), controller.signal).body)
  await expect(late.getReader().read()).rejects.toEqual(cut)
})

test('errors at once during a read that hangs', async () => {
  const controller = new AbortController()
  const hanging = async function* hanging(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* await new Promise<[]>(() => undefined)
  }
  const reading = toReadableStream(watched(hanging(), controller.signal).body).getReader().read()
  controller.abort(new DeliveryError('shut_down'))
  await expect(reading).rejects.toEqual(cut)
})

test('that is cancelled releases the body', async () => {
  const { body, seen } = watched(chunksOf(3, 4))
  const reader = toReadableStream(body).getReader()
  await reader.read()
  await reader.cancel()
  await vi.waitFor(() => expect(seen.released).toBe(true))
})

test('that is cancelled aborts the controller of its client', async () => {
  const client = new AbortController()
  await toReadableStream(watched(chunksOf(3)).body, client).cancel()
  expect(client.signal.aborted).toBe(true)
})
