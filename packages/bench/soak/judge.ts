import type { Held } from './readings.ts'

/** What the soak has seen. */
export interface Seen {
  /** The server at rest, after the warm-up and after the load. */
  readonly base: Held
  readonly after: Held
  /** The event loop's delay in the server process, in milliseconds. */
  readonly p99Ms: number
  /** The same in a process with nothing to do, at the same time: more than the 10 ms between two looks is the machine's. */
  readonly idleP99Ms: number
  /** Warnings, unhandled rejections and uncaught exceptions of the server, and what it wrote on stderr. */
  readonly complaints: readonly string[]
  /** How often each thing happened to the clients. */
  readonly tally: Readonly<Record<string, number>>
  /** Milliseconds that each request of an honest client took while the load ran; `Infinity`: no good answer. */
  readonly probes: readonly number[]
}

/** One thing that must hold. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly got: string
}

const residentGrowth = 1.1
const mostDelayMs = 100
const quietMs = 20
const mostProbeMs = 1_000
/** Objects that Node itself keeps for later, such as freed parsers and timers of its own. */
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

/** Judges what was seen: every line must be ok. Pure. */
export function judge({ base, after, p99Ms, idleP99Ms, complaints, tally, probes }: Seen): readonly Check[] {
  const wrong = Object.entries(tally).filter(([what]) => what.includes(': wrong'))
  const idle = Object.entries(tally).flatMap(([what, times]) => (times === 0 ? [what] : []))
  const exact = Object.entries(tally).reduce(
    (sum, [what, times]) => sum + (what.endsWith(': exact') ? times : 0),
    0,
  )
  const busyMs = Math.max(0, idleP99Ms - quietMs)
  const sorted = probes.toSorted((one, other) => one - other)
  const slowest = sorted.at(-1) ?? Infinity
  const p99Probe = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Infinity
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
      ok: p99Ms < mostDelayMs + busyMs,
      got: `${p99Ms.toFixed(1)} ms; an idle process of this machine: ${idleP99Ms.toFixed(1)} ms, of which ${busyMs.toFixed(1)} are allowed for`,
    },
    {
      name: `an honest client is always served, 99 of 100 times within ${mostProbeMs} ms`,
      ok: Number.isFinite(slowest) && p99Probe < mostProbeMs,
      got: `${probes.length} requests, p99 ${p99Probe.toFixed(0)} ms, the slowest ${slowest.toFixed(0)} ms`,
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

const list = (lines: readonly string[]): string =>
  lines.length === 0 ? 'none' : `${lines.length}: ${lines.slice(0, 3).join(' · ')}`
