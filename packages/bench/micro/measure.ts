import { median } from '../src/statistics.ts'

/** A function to measure. */
export interface Subject {
  readonly title: string
  readonly call: () => unknown
}

/** The cost of one call. */
export interface Cost {
  readonly title: string
  /** CPU of the whole process, including threads and garbage collection. */
  readonly cpuMicros: number
}

/** The length and number of the runs. */
export interface Effort {
  readonly runs: number
  readonly cpuMsPerRun: number
}

/** Warms each subject up, then measures them in turn. Returns the median of the runs. */
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

/** Doubles the number of calls until they take as long as a run. This also warms the subject up. */
async function callsPerRun(subject: Subject, cpuMs: number): Promise<number> {
  let calls = 100
  while ((await cpuMsOf(subject, calls)) < cpuMs) calls *= 2
  return calls
}

async function cpuMsOf({ call }: Subject, calls: number): Promise<number> {
  const before = process.cpuUsage()
  for (let index = 0; index < calls; index++) {
    const called = call()
    // Awaits only promises: a needless await would cost more than some of the steps.
    if (called instanceof Promise) await called
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}
