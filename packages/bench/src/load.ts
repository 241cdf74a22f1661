import { type Connection, openLine } from './line.ts'
import { usageOf } from './process-stats.ts'
import { openRequests, type Requests } from './requests.ts'

/** One round of load on one server. */
export interface LoadJob {
  readonly port: number
  /** The server's process, whose CPU is counted. */
  readonly pid: number
  readonly requests: Requests
  /** Where in their turn the requests begin: behind those of the round before. */
  readonly from: number
  readonly connections: number
  /** For so long requests are begun; those under way are read to their end. */
  readonly seconds: number
  /** At least so many requests are begun, whatever the time. */
  readonly least: number
  /** Bytes of every right answer. */
  readonly length: number
}

/** What came of it. All but `sent` from when the connections stand to the last answer. */
export interface LoadResult {
  /** Answers of status 200 and the right length. */
  readonly answers: number
  /** Other answers, connections that broke or did not open, and silence of 30 s. */
  readonly failures: number
  readonly sent: number
  readonly elapsedMs: number
  readonly serverCpuMs: number
  /** CPU of the load generator itself. */
  readonly cpuMs: number
  /** Milliseconds from request to last byte, one for each right answer. */
  readonly latencies: readonly number[]
}

/** What a job and a result look like. */
export const anyJob: LoadJob = {
  port: 0,
  pid: 0,
  requests: [],
  from: 0,
  connections: 0,
  seconds: 0,
  least: 0,
  length: 0,
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

/** A connection that has failed so often is given up. */
const mostFailures = 3
/** Fewer than a server's queue of connections holds. */
const openedAtOnce = 200

/** Opens every connection, and then keeps each busy with one request at a time. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const latencies: number[] = []
  let failures = 0
  let sent = 0
  const requestAt = await openRequests(job.requests)
  const lines = await openLines(job)
  const begun = performance.now()
  const cpu = process.cpuUsage()
  const serverCpu = usageOf(job.pid).cpuMs
  const until = begun + job.seconds * 1_000

  const more = (): boolean => performance.now() < until || sent < job.least
  const takeRequest = (): string | Uint8Array | undefined =>
    more() ? requestAt(job.from + sent++) : undefined
  const keepBusy = async (opened: Connection | undefined): Promise<void> => {
    let line = opened
    for (let failed = 0; failed < mostFailures && more(); failed++) {
      line ??= await openLine(job.port)
      if (line && (await line.use(takeRequest, job.length, latencies))) return
      failures += 1
      line = undefined
    }
  }
  await Promise.all(lines.map(keepBusy))
  const elapsedMs = performance.now() - begun
  const serverCpuMs = usageOf(job.pid).cpuMs - serverCpu
  const { user, system } = process.cpuUsage(cpu)
  const cpuMs = (user + system) / 1_000
  return { answers: latencies.length, failures, sent, elapsedMs, serverCpuMs, cpuMs, latencies }
}

async function openLines({ port, connections }: LoadJob): Promise<readonly (Connection | undefined)[]> {
  const lines: (Connection | undefined)[] = []
  while (lines.length < connections) {
    const count = Math.min(openedAtOnce, connections - lines.length)
    lines.push(...(await Promise.all(Array.from({ length: count }, () => openLine(port)))))
  }
  return lines
}
