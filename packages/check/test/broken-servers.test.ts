import { expect, onTestFinished, test } from 'vitest'

import { checkEndpoint } from '../src/check-endpoint.ts'
import { checks } from '../src/checks/checks.ts'
import type { CheckOptions } from '../src/options.ts'
import type { Report } from '../src/report/report.ts'
import { type Decide, decideRightly, ids, startServer, token } from './servers/export-server.ts'
import { faults } from './servers/faults.ts'

/** Checks a server with all that there is to check. */
async function checkServer(decide: Decide, options: CheckOptions = {}): Promise<Report> {
  const server = await startServer(decide)
  onTestFinished(() => server.close())
  return checkEndpoint(server.url(ids.own), {
    token,
    full: true,
    foreignUrl: server.url(ids.foreign),
    secondUrl: server.url(ids.second),
    ...options,
  })
}

const found = ({ checks }: Report): readonly string[] =>
  checks
    .filter(({ verdict }) => verdict === 'fail' || verdict === 'warn')
    .map(({ id, verdict, detail }) => `${verdict} ${id} (${detail})`)

test('a right server passes', async () => {
  const report = await checkServer(decideRightly())
  expect(found(report)).toEqual([])
  expect(report.verdict).toBe('pass')
  const skipped = report.checks.filter(({ verdict }) => verdict === 'skip').map(({ id }) => id)
  expect(skipped).toEqual(['limits.retry-after', 'protocols.head', 'protocols.range'])
})

test.each(faults)('$title: $check', async ({ check, verdict = 'fail', choices, change, options }) => {
  const right = decideRightly(choices)
  const report = await checkServer((asked) => (change ? change(right(asked), asked) : right(asked)), options)
  expect(found(report)).toEqual([
    expect.stringMatching(new RegExp(`^${verdict} ${check.replace('.', String.raw`\.`)} `)),
  ])
  expect(report.verdict).toBe(verdict === 'fail' ? 'fail' : 'pass')
})

test('every check has a server that breaks its rule', () => {
  const elsewhere = [
    'framing.length-syntax',
    'proxies.chain',
    'proxies.buffering',
    'protocols.head',
    'protocols.range',
  ]
  const broken = new Set([...faults.map(({ check }) => check), ...elsewhere])
  expect(checks.map(({ id }) => id).filter((id) => !broken.has(id))).toEqual([])
})
