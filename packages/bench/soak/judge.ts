import { type LoopDelay, p99 } from './loop-delay.ts'
import type { Usage } from './readings.ts'

/** The observations of the soak. */
export interface Seen {
  /** The server at rest, after the warm-up and after the load. */
  readonly base: Usage
  readonly after: Usage
  /** The server process during the load. */
  readonly loop: LoopDelay
  /** The same in a process with almost no work, in milliseconds. It shows how busy the machine is. */
  readonly idleP99Ms: number
  /** Warnings, unhandled rejections and uncaught exceptions of the server, and what it wrote on stderr. */
  readonly complaints: readonly string[]
  /** How often each result occurred. */
  readonly tally: Readonly<Record<string, number>>
  /** The requests of an honest client during the load. */
  readonly probes: readonly Probe[]
}

/** One request of an honest client: its milliseconds and its result. `'status 200'` is right. */
export interface Probe {
  readonly ms: number
  readonly result: string
}

/** One check. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly got: string
}

const residentGrowth = 1.1
const mostDelayMs = 100
/** If an idle process is later than this, the machine has other load. */
const quietMs = 10
const mostProbeMs = 1_000
/** Objects that Node itself keeps, such as freed parsers and its own timers. */
const spare = 8
const spared = new Set([
  'timers',
  'requests',
  'responses',
  'http2Requests',
  'http2Responses',
  'socketObjects',
  'abortSignals',
  'descriptors',
])

/** Checks the observations. Every check must be ok. A pure function. */
export function judge({ base, after, loop, idleP99Ms, complaints, tally, probes }: Seen): readonly Check[] {
  const wrong = Object.entries(tally).filter(([what]) => what.includes(': wrong'))
  const idle = Object.entries(tally).flatMap(([what, times]) => (times === 0 ? [what] : []))
  const exact = Object.entries(tally).reduce(
    (sum, [what, times]) => sum + (what.endsWith(': exact') ? times : 0),
    0,
  )
  const judgedMs = idleP99Ms > quietMs ? loop.ownP99Ms : loop.p99Ms
  const refused = probes.filter(({ result }) => result !== 'status 200')
  const probeP99Ms = p99(probes.map(({ ms }) => ms))
  return [
    {
      name: 'resident memory is within 10 % of the base',
      ok: after.resident <= base.resident * residentGrowth,
      got: `${mebibytes(base.resident)} → ${mebibytes(after.resident)}`,
    },
    ...Object.entries(after.counts).map(([name, count]) => {
      const before = base.counts[name] ?? 0
      const ok = count <= before + (spared.has(name) ? spare : 0)
      return { name: `${name} are back`, ok, got: `${before} → ${count}` }
    }),
    {
      name: `p99 of the event loop's delay is below ${mostDelayMs} ms`,
      ok: judgedMs < mostDelayMs,
      got: `${ms(loop.p99Ms)}, without waiting for a processor ${ms(loop.ownP99Ms)}, at most ${ms(loop.mostMs)}, busy for ${(100 * loop.busy).toFixed(0)} %; an idle process: ${ms(idleP99Ms)}`,
    },
    {
      name: 'an honest client is served throughout',
      ok: probes.length > 0 && refused.length === 0,
      got: `${probes.length} requests, p99 ${ms(probeP99Ms)}; not served: ${list(refused.map(({ result }) => result))}`,
    },
    {
      name: `an honest client is served within ${mostProbeMs} ms (p99; only judged where an idle process is on time)`,
      ok: probeP99Ms < mostProbeMs || idleP99Ms > quietMs,
      got: ms(probeP99Ms),
    },
    {
      name: 'every kind of client was at work',
      ok: idle.length === 0 && exact > 0,
      got: `${exact} exact downloads; without work: ${list(idle)}`,
    },
    {
      name: 'no wrong byte, no short answer that looks whole',
      ok: wrong.length === 0,
      got: list(wrong.map(([what, times]) => `${what} (${times})`)),
    },
    { name: 'no warning, no unhandled rejection', ok: complaints.length === 0, got: list(complaints) },
  ]
}

const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`

const ms = (value: number): string => `${value.toFixed(1)} ms`

const list = (lines: readonly string[]): string =>
  lines.length === 0 ? 'none' : `${lines.length}: ${lines.slice(0, 3).join(' · ')}`
