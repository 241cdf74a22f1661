// The clients of `bench:memory`, in a process of their own: JSON in, one line of JSON when all hold, then the end of stdin.
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

import { parseMessage } from './src/message.ts'

const beginAtOnce = 200

const lines = createInterface(process.stdin)[Symbol.asyncIterator]()
const { port, request, count } = parseMessage(await nextLine(), { port: 0, request: '', count: 0 })
let connected = 0
let failures = 0

/** Asks, reads the head with the first bytes, and then reads no more. Settles either way. */
const stall = (): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.once('data', (bytes: Buffer) => {
      socket.pause()
      if (bytes.toString('latin1', 9, 12) === '200') connected += 1
      else failures += 1
      resolve()
    })
    socket.once('error', () => resolve(void (failures += 1)))
    socket.once('close', () => void (connected -= 1))
  })

for (let begun = 0; begun < count; begun += beginAtOnce) {
  await Promise.all(Array.from({ length: Math.min(beginAtOnce, count - begun) }, stall))
}
process.stdout.write(`${JSON.stringify({ connected, failures })}\n`)
await nextLine()
process.stdout.write(`${JSON.stringify({ connected, failures })}\n`)
process.exit(0)

async function nextLine(): Promise<string> {
  const { value } = await lines.next()
  return value ?? ''
}
