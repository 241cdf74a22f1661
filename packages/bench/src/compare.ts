import { driveLoad } from './drive-load.ts'
import { usageOf } from './process-stats.ts'
import { requestText, type Scene } from './scene.ts'
import type { ServerName } from './servers.ts'
import { type RunningServer, startServer } from './start-server.ts'
import { percentile } from './statistics.ts'

/** One row of work: a size of file, and how many users ask for it. */
export interface Case {
  readonly title: string
  readonly bytes: number
  readonly tokens: number
  readonly connections: number
  readonly seconds: number
}

/** One server in one round. */
export interface Round {
  readonly answers: number
  readonly failures: number
  readonly elapsedMs: number
  readonly serverCpuMs: number
  readonly clientCpuMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** All rounds of one server. */
export interface Measured {
  readonly server: ServerName
  readonly rounds: readonly Round[]
  readonly peakBytes: number
}

/** A case and what came of it. */
export interface Comparison {
  readonly work: Case
  readonly servers: readonly Measured[]
}

/** How a comparison is run. */
export interface Terms {
  readonly servers: readonly ServerName[]
  readonly rounds: number
  readonly warmUpSeconds: number
  /** Where each server leaves a CPU profile. Absent: nowhere. */
  readonly profileFolder?: string
  readonly tell: (line: string) => void
}

/** Starts all servers, warms each up, then asks them in turn, round after round: A B C, A B C, A B C. */
export async function compare(work: Case, scene: Scene, terms: Terms): Promise<Comparison> {
  const exportId = await scene.addFile(work.bytes, 'written')
  const requests = (await scene.tokens(work.tokens)).map((token) => requestText(exportId, token))
  const { connections, seconds, bytes: length } = work
  const load = (port: number, seconds: number): ReturnType<typeof driveLoad> =>
    driveLoad({ port, requests, connections, seconds, length })

  const running: RunningServer[] = []
  const rounds = new Map<ServerName, Round[]>(terms.servers.map((name) => [name, []]))
  try {
    for (const name of terms.servers) {
      running.push(await startServer(name, scene.settings, scene.folder, profileOptions(terms)))
    }
    for (const { port } of running) await load(port, terms.warmUpSeconds)
    for (let round = 1; round <= terms.rounds; round++) {
      for (const { name, port, pid } of running) {
        const before = usageOf(pid).cpuMs
        const { latencies, cpuMs: clientCpuMs, ...result } = await load(port, seconds)
        const measured = {
          ...result,
          serverCpuMs: usageOf(pid).cpuMs - before,
          clientCpuMs,
          p50Ms: percentile(latencies, 0.5),
          p99Ms: percentile(latencies, 0.99),
        }
        rounds.get(name)?.push(measured)
        terms.tell(progress(work, round, name, measured))
      }
    }
    return { work, servers: running.map((server) => measuredOf(server, rounds)) }
  } finally {
    for (const server of running) await server.stop()
  }
}

const measuredOf = (
  { name, pid }: RunningServer,
  rounds: ReadonlyMap<ServerName, readonly Round[]>,
): Measured => ({
  server: name,
  rounds: rounds.get(name) ?? [],
  peakBytes: usageOf(pid).peakBytes,
})

const profileOptions = ({ profileFolder }: Terms): readonly string[] =>
  profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]

const progress = (
  { title }: Case,
  round: number,
  name: ServerName,
  { answers, failures, serverCpuMs }: Round,
): string =>
  `${title}, round ${round}, ${name}: ${answers} answers, ${failures} failures, ` +
  `${((serverCpuMs * 1_000) / answers).toFixed(1)} µs of CPU each`
