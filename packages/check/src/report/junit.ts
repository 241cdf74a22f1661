import type { CheckResult, Report } from './report.ts'

/** The report as JUnit XML, which CI systems read. A warning is a passed test with its detail in `system-out`. */
export function formatJunit(report: Report): string {
  const groups = Map.groupBy(report.checks, ({ group }) => group)
  const suites = [...groups].flatMap(([group, results]) => {
    const count = (verdict: string): number => results.filter((one) => one.verdict === verdict).length
    const counts = `tests="${results.length}" failures="${count('fail')}" skipped="${count('skip')}"`
    return [[`  <testsuite name="${escape(group)}" ${counts}>`], results.map(caseOf), ['  </testsuite>']]
  })
  const { fail, skip } = report.summary
  const head = `name="sallyport-check" tests="${report.checks.length}" failures="${fail}" skipped="${skip}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${head} time="${(report.durationMs / 1_000).toFixed(3)}">`,
    ...suites.flat(),
    '</testsuites>',
    '',
  ].join('\n')
}

function caseOf({ id, group, title, verdict, detail, reference, consequence }: CheckResult): string {
  const open = `    <testcase classname="${escape(group)}" name="${escape(`${id}: ${title}`)}"`
  if (verdict === 'pass') return `${open}/>`
  if (verdict === 'skip') return `${open}><skipped message="${escape(detail)}"/></testcase>`
  const text = `${detail}\n${reference}\nWhat a client does then: ${consequence}`
  if (verdict === 'warn') return `${open}><system-out>${escape(text)}</system-out></testcase>`
  return `${open}><failure message="${escape(detail)}">${escape(text)}</failure></testcase>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const escape = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character)
