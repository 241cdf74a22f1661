import type { TestProject, TestResult } from 'vitest/node'

import { missingServers } from './available.ts'
import { installServers } from './install.ts'

/**
 * Before the tests: in CI, and if SALLYPORT_INSTALL_SERVERS=1 is set, installs the servers that they need, so that
 * no test is skipped because one is missing. After the tests: reports how many were skipped, and why.
 */
export default function setup({ vitest }: TestProject): () => void {
  const installs = process.env['CI'] === 'true' || process.env['SALLYPORT_INSTALL_SERVERS'] === '1'
  if (installs) installServers()
  return () => {
    if (said) return
    said = true
    const skipped = vitest.state
      .getTestModules()
      .flatMap(({ children }) => Array.from(children.allTests('skipped')))
    const reasons = Map.groupBy(skipped, (test) => noteOf(test.result()))
    for (const [reason, tests] of reasons) {
      if (reason !== undefined) process.stderr.write(`\nTests skipped: ${tests.length}, because ${reason}\n`)
    }
    const missing = missingServers()
    if (missing.length === 0) return
    const names = missing.map(({ name }) => name).join(', ')
    const packages = missing.flatMap((server) => server.packages).join(' ')
    const count = skipped.filter(({ options }) => options.mode === 'skip').length
    process.stderr.write(
      `\nNot on this machine: ${names}. Tests skipped: ${count}. To run them, as root: apt-get install --no-install-recommends ${packages}\n`,
    )
  }
}

const noteOf = (result: TestResult): string | undefined =>
  result.state === 'skipped' ? result.note : undefined

let said = false
