import { readFileSync } from 'node:fs'

/** The delay of the event loop, measured every 10 ms. In milliseconds; the 99th percentile, except `mostMs`. */
export interface LoopDelay {
  readonly p99Ms: number
  /** Without the time in which the process waited for a processor. */
  readonly ownP99Ms: number
  readonly mostMs: number
  /** The fraction of the time in which the loop was busy, from 0 to 1. */
  readonly busy: number
}

/** Measures the delay until `read` is called. */
export interface LoopWatch {
  read(): LoopDelay
}

const lookMs = 10

/**
 * Watches the event loop of this process: how late a timer fires. `perf_hooks` measures the same, but not how
 * long the process waited for a processor, which other load causes (proc_pid_schedstat: the second figure).
 */
export function watchLoop(): LoopWatch {
  const delays: number[] = []
  const owns: number[] = []
  let before = performance.now()
  let waitedBefore = waitedMs()
  const utilization = performance.eventLoopUtilization()
  const timer = setInterval(() => {
    const now = performance.now()
    const waited = waitedMs()
    const delay = Math.max(0, now - before - lookMs)
    delays.push(delay)
    owns.push(Math.max(0, delay - (waited - waitedBefore)))
    before = now
    waitedBefore = waited
  }, lookMs)
  return {
    read: () => {
      clearInterval(timer)
      return {
        p99Ms: p99(delays),
        ownP99Ms: p99(owns),
        mostMs: delays.reduce((most, ms) => Math.max(most, ms), 0),
        busy: performance.eventLoopUtilization(utilization).utilization,
      }
    },
  }
}

/** The 99th percentile. `Infinity` if there is no value. */
export function p99(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Infinity
}

/** Milliseconds that the main thread has waited for a processor; 0 if the system does not report it. */
function waitedMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}
