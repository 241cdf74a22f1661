import { median } from '../src/statistics.ts'

/** Something small whose cost is asked for. */
export interface Subject {
  readonly title: string
  readonly call: () => unknown
}

/** What one call costs. */
export interface Cost {
  readonly title: string
  /** CPU of the whole process, threads and garbage collection included. */
  readonly cpuMicros: number
}

/** How long each run is, and how many there are. */
export interface Effort {
  readonly runs: number
  readonly cpuMsPerRun: number
}

/** Calls each subject until it is warm, then in turn, run after run; the median of the runs. */
export async function measureAll(subjects: readonly Subject[], effort: Effort): Promise<readonly Cost[]> {
  const counts = new Map<Subject, number>()
  for (const subject of subjects) counts.set(subject, await callsPerRun(subject, effort.cpuMsPerRun))
  const costs = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]))
  for (let run = 0; run < effort.runs; run++) {
    for (const subject of subjects) {
      const calls = counts.get(subject) ?? 1
      costs.get(subject)?.push(((await cpuMsOf(subject, calls)) * 1_000) / calls)
    }
  }
  return subjects.map((subject) => ({ title: subject.title, cpuMicros: median(costs.get(subject) ?? []) }))
}

/** Doubles the number of calls until they take as long as a run shall; that warms them up, too. */
async function callsPerRun(subject: Subject, cpuMs: number): Promise<number> {
  let calls = 100
  while ((await cpuMsOf(subject, calls)) < cpuMs) calls *= 2
  return calls
}

async function cpuMsOf({ call }: Subject, calls: number): Promise<number> {
  const before = process.cpuUsage()
  for (let index = 0; index < calls; index++) {
    const called = call()
    // What answers at once is not made to wait: a needless await would cost more than some of the steps.
    if (called instanceof Promise) await called
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}
