import { XMLParser } from 'fast-xml-parser'
import { expect, test } from 'vitest'

import { formatJunit } from '../src/report/junit.ts'
import type { CheckResult, Report } from '../src/report/report.ts'

const result = (verdict: CheckResult['verdict'], detail: string): CheckResult => ({
  id: `ranges.${verdict}`,
  group: 'ranges',
  title: 'A range is "right"',
  verdict,
  detail,
  reference: 'RFC 9110 §14',
  consequence: 'It <fails> & stops.',
})

const report: Report = {
  schemaVersion: 1,
  url: 'http://h/x',
  profile: 'generic',
  verdict: 'fail',
  startedAt: '2026-11-28T00:00:00.000Z',
  durationMs: 1_234,
  protocols: ['HTTP/1.1'],
  requests: 33,
  bytes: 100,
  waitedMs: 0,
  summary: { pass: 1, warn: 1, fail: 1, skip: 1 },
  checks: [
    result('pass', 'ok'),
    result('warn', 'a < b'),
    result('fail', '<script>"&\'</script>'),
    result('skip', 'not asked'),
  ],
}

test('JUnit is well-formed XML, with the counts and the texts', () => {
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' })
  expect(parser.parse(formatJunit(report))).toMatchObject({
    testsuites: {
      name: 'sallyport-check',
      tests: '4',
      failures: '1',
      skipped: '1',
      time: '1.234',
      testsuite: {
        name: 'ranges',
        testcase: [
          { classname: 'ranges', name: 'ranges.pass: A range is "right"' },
          { 'system-out': 'a < b\nRFC 9110 §14\nWhat a client does then: It <fails> & stops.' },
          { failure: { message: '<script>"&\'</script>' } },
          { skipped: { message: 'not asked' } },
        ],
      },
    },
  })
})
