import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { driveLoad } from './drive-load.ts'
import { parseMessage } from './message.ts'
import { clientCore, nodeCommand, startPinned } from './pinned.ts'
import { mostSocketBytes, socketBytes, usageOf } from './process-stats.ts'
import { requestText, type Scene } from './scene.ts'
import type { ServerName } from './servers.ts'
import { startServer } from './start-server.ts'

/** The memory of downloads whose clients do not read. */
export interface Stalled {
  readonly server: ServerName
  readonly clients: number
  /** Clients without a 200, and clients that had been cut when memory was measured. */
  readonly failures: number
  readonly lost: number
  readonly idleBytes: number
  readonly residentBytes: number
  /** The kernel's memory for all sockets of the machine, both ends. */
  readonly socketBytes: number
  /** The most that it allocates for them. */
  readonly mostSocketBytes: number
}

/** The result of many concurrent downloads. */
export interface Moving {
  readonly server: ServerName
  readonly clients: number
  readonly bytes: number
  readonly answers: number
  readonly failures: number
  readonly elapsedMs: number
  readonly peakBytes: number
}

const gibibyte = 1_073_741_824
const settleMs = 5_000
/** As in operations.md. Otherwise V8's young generation would grow with the garbage of a burst. */
const smallNursery = '--max-semi-space-size=16'
const anyReport = { connected: 0, failures: 0 }
const stallFile = fileURLToPath(new URL('../stalled.ts', import.meta.url))

/** Starts downloads of a sparse 1 GiB file, reads only their first bytes, and measures memory 5 s later. */
export async function measureStalled(server: ServerName, clients: number, scene: Scene): Promise<Stalled> {
  const exportId = await scene.addFile(gibibyte, 'sparse')
  const [token = ''] = await scene.tokens(1)
  const running = await startServer(server, scene.settings, scene.folder, { nodeOptions: [smallNursery] })
  const load = startPinned(clientCore, nodeCommand(stallFile))
  try {
    const { port, pid } = running
    const idleBytes = usageOf(pid).residentBytes
    const lines = createInterface(load.stdout ?? process.stdin)[Symbol.asyncIterator]()
    const report = async (): Promise<typeof anyReport> => {
      const { value } = await lines.next()
      return parseMessage(value ?? '', anyReport)
    }
    load.stdin?.write(`${JSON.stringify({ port, request: requestText(exportId, token), count: clients })}\n`)
    const { failures } = await report()
    await delay(settleMs)
    const { residentBytes } = usageOf(pid)
    const held = socketBytes()
    load.stdin?.end()
    const { connected } = await report()
    const lost = clients - failures - connected
    const kernel = { socketBytes: held, mostSocketBytes: mostSocketBytes() }
    return { server, clients, failures, lost, idleBytes, residentBytes, ...kernel }
  } finally {
    if (load.exitCode === null) load.kill()
    if (load.exitCode === null && load.signalCode === null) await once(load, 'exit')
    await running.stop()
  }
}

/** Runs concurrent clients that each read a whole file, and checks status and length of each. */
export async function measureMoving(
  server: ServerName,
  clients: number,
  bytes: number,
  scene: Scene,
): Promise<Moving> {
  const exportId = await scene.addFile(bytes, 'sparse')
  const [token = ''] = await scene.tokens(1)
  const running = await startServer(server, scene.settings, scene.folder, { nodeOptions: [smallNursery] })
  try {
    const { port, pid } = running
    const requests = [requestText(exportId, token)]
    const { answers, failures, elapsedMs } = await driveLoad({
      port,
      pid,
      requests,
      from: 0,
      connections: clients,
      transport: 'http',
      seconds: 1,
      least: clients,
      length: bytes,
    })
    return { server, clients, bytes, answers, failures, elapsedMs, peakBytes: usageOf(pid).peakBytes }
  } finally {
    await running.stop()
  }
}
