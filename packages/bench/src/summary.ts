import type { Comparison, Measured, Round } from './race.ts'
import { median, type Ratio, ratio } from './statistics.ts'

/** One server in one case, medians over its rounds. */
export interface Row {
  readonly server: string
  readonly requestsPerSecond: number
  readonly megabytesPerSecond: number
  readonly cpuMicrosPerRequest: number
  readonly cpuSecondsPerGibibyte: number
  /** CPU per request, relative to the baseline. Absent: not measured. */
  readonly cpuRatio: Ratio | undefined
  /** Requests per second, relative to the baseline. */
  readonly rateRatio: Ratio | undefined
  readonly p50Ms: number
  readonly p99Ms: number
  readonly peakBytes: number
  readonly residentBytes: number
  /** Shares of one core, 0 to 1. */
  readonly serverBusy: number
  readonly clientBusy: number
  readonly failures: number
}

/** If the server's core is less busy than this, something else limited the speed. */
export const busyEnough = 0.95

const gibibyte = 1_073_741_824

/** The rows of a comparison, in the order of its servers. */
export function summarize({ work, baseline, servers }: Comparison): readonly Row[] {
  const base = servers.find(({ server }) => server === baseline)
  return servers.map((measured) => {
    const over = (value: (round: Round) => number): number => median(measured.rounds.map(value))
    const cpuMicrosPerRequest = over(cpuMicros)
    return {
      server: measured.server,
      requestsPerSecond: over(rate),
      megabytesPerSecond: over((round) => (rate(round) * work.bytes) / 1_000_000),
      cpuMicrosPerRequest,
      cpuSecondsPerGibibyte: (cpuMicrosPerRequest / 1_000_000) * (gibibyte / work.bytes),
      cpuRatio: base && ratio(costs(measured), costs(base)),
      rateRatio: base && ratio(rates(measured), rates(base)),
      p50Ms: over(({ p50Ms }) => p50Ms),
      p99Ms: over(({ p99Ms }) => p99Ms),
      peakBytes: measured.peakBytes,
      residentBytes: measured.residentBytes,
      serverBusy: over(({ serverCpuMs, elapsedMs }) => serverCpuMs / elapsedMs),
      clientBusy: over(({ clientCpuMs, elapsedMs }) => clientCpuMs / elapsedMs),
      failures: measured.rounds.reduce((total, { failures }) => total + failures, 0),
    }
  })
}

const rate = ({ answers, elapsedMs }: Round): number => (answers * 1_000) / elapsedMs
const cpuMicros = ({ serverCpuMs, answers }: Round): number => (serverCpuMs * 1_000) / answers
const costs = ({ rounds }: Measured): readonly number[] => rounds.map(cpuMicros)
const rates = ({ rounds }: Measured): readonly number[] => rounds.map(rate)
