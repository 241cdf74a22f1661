import { driveLoad } from './drive-load.ts'
import { usageOf } from './process-stats.ts'
import type { Requests } from './requests.ts'
import type { RunningServer } from './start-server.ts'
import { percentile } from './statistics.ts'
import type { Transport } from './transport.ts'

/** The requests to every server of a comparison. */
export interface Work {
  readonly title: string
  /** Bytes of each right response. */
  readonly bytes: number
  readonly connections: number
  /** Of each round. */
  readonly seconds: number
  /** @defaultValue `'http'` */
  readonly transport?: Transport
}

/** A server in a comparison. */
export interface Contender {
  readonly name: string
  readonly requests: Requests
  start(): Promise<RunningServer>
  /** The least number of requests for its warm-up. Absent: the common warm-up time is enough. */
  readonly warmUpRequests?: number
}

/** One server in one round. */
export interface Round {
  readonly answers: number
  readonly failures: number
  readonly elapsedMs: number
  readonly serverCpuMs: number
  /** Of the load generator and the servers' backends. */
  readonly clientCpuMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** All rounds of one server. */
export interface Measured {
  readonly server: string
  readonly rounds: readonly Round[]
  readonly peakBytes: number
  /** At the end of the last round. */
  readonly residentBytes: number
}

/** The job and its results. */
export interface Comparison {
  readonly work: Work
  /** The server whose cost is 1. */
  readonly baseline: string
  readonly servers: readonly Measured[]
}

/** The settings of a comparison. */
export interface Terms {
  readonly baseline: string
  readonly rounds: number
  readonly warmUpSeconds: number
  /** Backend processes on the load generator's core. Absent: none. */
  readonly behind?: readonly number[]
  readonly tell: (line: string) => void
}

interface Runner extends Contender {
  readonly server: RunningServer
  readonly rounds: Round[]
  /** Requests sent so far. The next round continues there. */
  sent: number
}

/** Starts all servers, warms each up, and then measures them in turn, round after round: A B C, A B C, A B C. */
export async function race(work: Work, contenders: readonly Contender[], terms: Terms): Promise<Comparison> {
  const runners: Runner[] = []
  try {
    for (const contender of contenders) {
      runners.push({ ...contender, server: await contender.start(), rounds: [], sent: 0 })
    }
    for (const runner of runners) {
      await ask(runner, { ...work, seconds: terms.warmUpSeconds }, terms, runner.warmUpRequests)
    }
    for (let round = 1; round <= terms.rounds; round++) {
      for (const runner of runners) {
        const measured = await ask(runner, work, terms)
        runner.rounds.push(measured)
        terms.tell(progress(work, round, runner.name, measured))
      }
    }
    return { work, baseline: terms.baseline, servers: runners.map(measuredOf) }
  } finally {
    for (const { server } of runners) await server.stop()
  }
}

async function ask(runner: Runner, work: Work, { behind = [] }: Terms, least = 0): Promise<Round> {
  const { port, pid } = runner.server
  const { connections, seconds, bytes: length, transport = 'http' } = work
  const { requests, sent: from } = runner
  const before = cpuOf(behind)
  const { latencies, cpuMs, sent, ...counted } = await driveLoad({
    port,
    pid,
    requests,
    from,
    connections,
    seconds,
    least,
    length,
    transport,
  })
  runner.sent += sent
  return {
    ...counted,
    clientCpuMs: cpuMs + cpuOf(behind) - before,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  }
}

const cpuOf = (pids: readonly number[]): number => pids.reduce((total, pid) => total + usageOf(pid).cpuMs, 0)

function measuredOf({ name, rounds, server: { pid } }: Runner): Measured {
  const { peakBytes, residentBytes } = usageOf(pid)
  return { server: name, rounds, peakBytes, residentBytes }
}

const progress = (
  { title }: Work,
  round: number,
  name: string,
  { answers, failures, serverCpuMs }: Round,
): string =>
  `${title}, round ${round}, ${name}: ${answers} answers, ${failures} failures, ` +
  `${((serverCpuMs * 1_000) / answers).toFixed(1)} µs of CPU each`
