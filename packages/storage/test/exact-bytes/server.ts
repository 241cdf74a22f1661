import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { createFilesystemStore } from '@sallyport/storage/filesystem'

import { guarded } from './guarded.ts'

/**
 * A whole service in its own process: `server.ts <root> <port> [<delivery options as JSON>]`. Writes its port on the first
 * line, then one line of JSON for each event.
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
