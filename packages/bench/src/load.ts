import { type Connection, openConnection } from './connection.ts'
import { openHttp2Connection } from './http2-connection.ts'
import { usageOf } from './process-stats.ts'
import { openRequests, type Requests } from './requests.ts'
import type { Transport } from './transport.ts'

/** One round of load on one server. */
export interface LoadJob {
  readonly port: number
  /** The server's process, whose CPU is counted. */
  readonly pid: number
  readonly requests: Requests
  /** The index of the first request: after those of the previous round. */
  readonly from: number
  readonly connections: number
  /** How long requests are started. Running ones are read to their end. */
  readonly seconds: number
  /** The least number of requests to start, independent of the time. */
  readonly least: number
  /** Bytes of each right response. */
  readonly length: number
  readonly transport: Transport
}

/** The result of a job. All except `sent` counts from when the connections are open to the last response. */
export interface LoadResult {
  /** Responses with status 200 and the right length. */
  readonly answers: number
  /** Other responses, connections that failed or did not open, and 30 s without a byte. */
  readonly failures: number
  readonly sent: number
  readonly elapsedMs: number
  readonly serverCpuMs: number
  /** CPU of the load generator itself. */
  readonly cpuMs: number
  /** Milliseconds from the request to the last byte, for each right response. */
  readonly latencies: readonly number[]
}

/** Examples of a job and a result. */
export const anyJob: LoadJob = {
  port: 0,
  pid: 0,
  requests: [],
  from: 0,
  connections: 0,
  seconds: 0,
  least: 0,
  length: 0,
  transport: 'http',
}
export const anyResult: LoadResult = {
  answers: 0,
  failures: 0,
  sent: 0,
  elapsedMs: 0,
  serverCpuMs: 0,
  cpuMs: 0,
  latencies: [],
}

/** A connection that has failed this often is not opened again. */
const mostFailures = 3
/** Fewer than the backlog of a server. */
const openedAtOnce = 200

/** Opens all connections, and then sends one request at a time on each. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const latencies: number[] = []
  let failures = 0
  let sent = 0
  const requestAt = await openRequests(job.requests)
  const connections = await openConnections(job)
  const begun = performance.now()
  const cpu = process.cpuUsage()
  const serverCpu = usageOf(job.pid).cpuMs
  const until = begun + job.seconds * 1_000

  const more = (): boolean => performance.now() < until || sent < job.least
  const takeRequest = (): string | Uint8Array | undefined =>
    more() ? requestAt(job.from + sent++) : undefined
  const keepBusy = async (opened: Connection | undefined): Promise<void> => {
    let connection = opened
    for (let failed = 0; failed < mostFailures && more(); failed++) {
      connection ??= await open(job)
      if (connection && (await connection.use(takeRequest, job.length, latencies))) return
      failures += 1
      connection = undefined
    }
  }
  await Promise.all(connections.map(keepBusy))
  const elapsedMs = performance.now() - begun
  const serverCpuMs = usageOf(job.pid).cpuMs - serverCpu
  const { user, system } = process.cpuUsage(cpu)
  const cpuMs = (user + system) / 1_000
  return { answers: latencies.length, failures, sent, elapsedMs, serverCpuMs, cpuMs, latencies }
}

const open = ({ port, transport }: LoadJob): Promise<Connection | undefined> =>
  transport === 'h2' ? openHttp2Connection(port) : openConnection(port, transport)

async function openConnections(job: LoadJob): Promise<readonly (Connection | undefined)[]> {
  const opened: (Connection | undefined)[] = []
  while (opened.length < job.connections) {
    const count = Math.min(openedAtOnce, job.connections - opened.length)
    opened.push(...(await Promise.all(Array.from({ length: count }, () => open(job)))))
  }
  return opened
}
