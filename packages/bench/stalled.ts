// The process of `bench:memory`'s clients: reads JSON, prints one line of JSON when all clients are waiting, and exits at the end of stdin.
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

import { parseMessage } from './src/message.ts'

const beginAtOnce = 200
const firstByteMs = 60_000

const lines = createInterface(process.stdin)[Symbol.asyncIterator]()
const { port, request, count } = parseMessage(await nextLine(), { port: 0, request: '', count: 0 })
let connected = 0
let failures = 0

/** Sends a request, reads the head and the first bytes, and then reads no more. Never rejects. */
const stall = (): Promise<void> =>
  new Promise((resolve) => {
    let holds = false
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.setTimeout(firstByteMs, () => socket.destroy())
    socket.once('data', (bytes: Buffer) => {
      holds = bytes.toString('latin1', 9, 12) === '200'
      if (!holds) return void socket.destroy()
      socket.pause()
      socket.setTimeout(0)
      connected += 1
      resolve()
    })
    socket.on('error', () => undefined) // 'close' follows
    socket.once('close', () => {
      if (holds) connected -= 1
      else failures += 1
      resolve()
    })
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
