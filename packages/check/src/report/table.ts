import { styleText } from 'node:util'

import type { Verdict } from '../check.ts'
import type { CheckResult, Report } from './report.ts'

const looks = {
  pass: ['✓', 'green'],
  warn: ['!', 'yellow'],
  fail: ['✗', 'red'],
  skip: ['-', 'dim'],
} as const satisfies Record<Verdict, readonly [string, Parameters<typeof styleText>[0]]>

/**
 * The report for people. Colours appear only if the stream is a terminal that has them (`NO_COLOR` and `FORCE_COLOR` count).
 *
 * @param stream - where it will be written
 */
export function formatTable(report: Report, stream: NodeJS.WritableStream): string {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, { stream, validateStream: true })
  const line = ({ id, title, verdict, detail, reference, consequence }: CheckResult): readonly string[] => {
    const [sign, colour] = looks[verdict]
    const first = `  ${paint(colour, sign)} ${id.padEnd(34)} ${verdict === 'skip' ? paint('dim', detail) : detail}`
    if (verdict !== 'fail' && verdict !== 'warn') return [first]
    return [
      first,
      `      ${paint('bold', title)} (${reference})`,
      `      ${paint('dim', 'What a client does then:')} ${consequence}`,
    ]
  }
  const groups = Map.groupBy(report.checks, ({ group }) => group)
  const { pass, warn, fail, skip } = report.summary
  const colour = looks[report.verdict][1]
  return [
    paint('bold', report.url),
    `${report.profile} rules, ${report.protocols.join(' and ')}`,
    ...[...groups].flatMap(([group, results]) => [['', paint('bold', group)], results.flatMap(line)]).flat(),
    '',
    `${paint(colour, report.verdict.toUpperCase())}  ${pass} passed, ${warn} warned, ${fail} failed, ${skip} skipped; ` +
      `${report.requests} requests, ${(report.durationMs / 1_000).toFixed(1)} s`,
    '',
  ].join('\n')
}
