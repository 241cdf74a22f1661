import { abilities } from './abilities.ts'

/** Returns the table of docs/mounting.md. */
export function tableOf(cannot: Readonly<Record<string, Partial<Readonly<Record<string, string>>>>>): string {
  const runtimes = Object.keys(cannot)
  const reasons: string[] = []
  const cell = (runtime: string, ability: string): string => {
    const reason = cannot[runtime]?.[ability]
    if (reason === undefined) return 'yes'
    return `no (${reasons.push(`${runtime}: ${reason}.`)})`
  }
  const line = (first: string, others: readonly string[]): string => `| ${[first, ...others].join(' | ')} |`
  const lines = [
    line('a server', runtimes),
    line(
      '---',
      Array.from(runtimes, () => '---'),
    ),
    ...Object.keys(abilities).map((ability) =>
      line(
        ability,
        runtimes.map((one) => cell(one, ability)),
      ),
    ),
  ]
  return [...lines, '', ...reasons.map((reason, index) => `${index + 1}. ${reason}`)].join('\n')
}
