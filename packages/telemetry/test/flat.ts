import type { ExportStore } from '@sallyport/core'

import { createObservedExportHandler } from '../src/telemetry.ts'
import { createReader } from './reader.ts'
import { exportId, optionsOf } from './scene.ts'
import { startTracing } from './tracing.ts'

/** Measures one download of many chunks under an SDK, in a process of its own: prints the heap at a tenth and at the end. */
const count = Number(process.argv[2])
const chunk = Buffer.alloc(1_024, 'x')
const info = { size: count * chunk.length, validator: 'generated' }
const heap: number[] = []
const measure = (): void => {
  globalThis.gc?.()
  globalThis.gc?.()
  heap.push(process.memoryUsage().heapUsed)
}
async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let n = 1; n <= count; n += 1) {
    if (n === Math.ceil(count / 10) || n === count) measure()
    yield chunk
  }
}
const store: ExportStore = {
  head: async () => info,
  get: async () => ({ info, close: () => undefined, chunks: chunks() }),
}
const tracing = startTracing()
const { provider, read } = createReader()
const handler = createObservedExportHandler(optionsOf(store), { meterProvider: provider })
const headers: Record<string, string> = { authorization: 'Bearer ann', 'x-org-name': 'acme' }
const { body } = await handler.handle({
  method: 'GET',
  params: { exportId },
  header: (name) => headers[name],
  signal: new AbortController().signal,
  borrow: true,
})
for await (const _ of body ?? []);
const [io] = (await read())['sallyport.download.io'] ?? []
process.stdout.write(JSON.stringify({ heap, bytes: io?.['value'], spans: tracing.spans().length }))
