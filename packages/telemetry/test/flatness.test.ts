import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('flat.ts', import.meta.url))

test('a download of 3 million chunks makes no more telemetry than a short one', async () => {
  const args = ['--expose-gc', '--conditions=@sallyport/source', script, '3000000']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const { heap, bytes, spans } = JSON.parse(stdout) as {
    heap: [number, number]
    bytes: number
    spans: number
  }
  expect({ bytes, spans }).toEqual({ bytes: 3_072_000_000, spans: 8 })
  expect(heap[1] - heap[0]).toBeLessThan(5_000_000) // two bytes a chunk would be too many
})
