import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getHeapSpaceStatistics } from 'node:v8'

import { createFilesystemStore } from '@sallyport/storage/filesystem'

import { guarded } from './guarded.ts'

/**
 * A whole service in its own process: `server.ts <root> [<port> [<delivery options as JSON>]]`. Writes its port on the first
 * line, then one line of JSON for each event; and at SIGUSR2 one on its memory, after a
 * collection where node runs with --expose-gc.
 */
const [root = '', port = '0', delivery = '{}'] = process.argv.slice(2)
const { listener } = guarded(createFilesystemStore({ root }), {
  delivery: JSON.parse(delivery) as object,
  onEvent: (event) => void process.stdout.write(`${JSON.stringify(event)}\n`),
})
const server = createServer(listener)
server.listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})

process.on('SIGUSR2', () => {
  // The second time for what the first one let go beside JavaScript.
  globalThis.gc?.()
  globalThis.gc?.()
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
  const nursery = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  const memory = { type: 'memory', rss, heapTotal, heapUsed, external, nursery: nursery?.physical_space_size }
  process.stdout.write(`${JSON.stringify(memory)}\n`)
})
