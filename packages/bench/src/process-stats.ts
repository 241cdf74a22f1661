import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** One process, from `/proc/<pid>/stat`. */
export interface ProcessStat {
  readonly pid: number
  readonly parent: number
  /** Clock ticks in user and system mode, including ended children. */
  readonly ticks: number
}

/** Reads a line of `/proc/<pid>/stat` (proc_pid_stat(5)). The name may hold blanks and brackets. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number)
  return {
    pid: Number.parseInt(line, 10),
    parent: Number(fields[1]),
    ticks: (utime ?? NaN) + (stime ?? NaN) + (cutime ?? NaN) + (cstime ?? NaN),
  }
}

/** A size in `/proc/<pid>/status`, in bytes. 0: there is no such line. */
export function parseStatus(text: string, name: 'VmHWM' | 'VmRSS'): number {
  const [, kibibytes = '0'] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text) ?? []
  return Number(kibibytes) * 1_024
}

/** A process and all its descendants, from a list of all processes. */
export function familyOf(pid: number, all: readonly ProcessStat[]): readonly ProcessStat[] {
  const self = all.filter((one) => one.pid === pid)
  const children = all.filter(({ parent }) => parent === pid)
  return [...self, ...children.flatMap((child) => familyOf(child.pid, all))]
}

/** The CPU and memory of a process and all its descendants. */
export interface Usage {
  readonly cpuMs: number
  readonly peakBytes: number
  readonly residentBytes: number
}

/** Reads the figures of the operating system, which include threads, garbage collection and children. */
export function usageOf(pid: number): Usage {
  const family = familyOf(pid, everyProcess())
  const status = family.map((one) => textOf(`/proc/${one.pid}/status`))
  return {
    cpuMs: (sum(family.map(({ ticks }) => ticks)) * 1_000) / ticksPerSecond(),
    peakBytes: sum(status.map((text) => parseStatus(text, 'VmHWM'))),
    residentBytes: sum(status.map((text) => parseStatus(text, 'VmRSS'))),
  }
}

/** The kernel's memory for all sockets of the machine, in bytes. It belongs to no process. */
export function socketBytes(): number {
  const [, pages = '0'] = /^TCP: .* mem (\d+)$/m.exec(textOf('/proc/net/sockstat')) ?? []
  return Number(pages) * 4_096
}

/** The most memory that the kernel allocates for all sockets, in bytes (tcp(7), tcp_mem). */
export function mostSocketBytes(): number {
  const [, , pages = '0'] = textOf('/proc/sys/net/ipv4/tcp_mem').trim().split(/\s+/)
  return Number(pages) * 4_096
}

/** All processes of this machine. */
export const everyProcess = (): readonly ProcessStat[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => textOf(`/proc/${name}/stat`))
    .filter((line) => line !== '')
    .map(parseStat)

/** Empty if the process has just ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

let known: number | undefined
const ticksPerSecond = (): number =>
  (known ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })))
