import type { TestProject } from 'vitest/node'

import { missingServers } from './available.ts'
import { installServers } from './install.ts'

/**
 * Before the tests: in CI, and where SALLYPORT_INSTALL_SERVERS=1 asks for it, installs the servers they need, so that
 * nothing is skipped. After them: where servers were missing, says in one line what that cost and how to get them.
 */
export default function setup({ vitest }: TestProject): (() => void) | void {
  if (process.env['CI'] === 'true' || process.env['SALLYPORT_INSTALL_SERVERS'] === '1')
    return installServers()
  const missing = missingServers()
  if (missing.length === 0) return
  return () => {
    if (said) return
    said = true
    const tests = vitest.state
      .getTestModules()
      .flatMap(({ children }) => Array.from(children.allTests('skipped')))
    const skipped = tests.filter(({ options }) => options.mode === 'skip').length
    const names = missing.map(({ name }) => name).join(', ')
    const packages = missing.flatMap((server) => server.packages).join(' ')
    process.stderr.write(
      `\nNot on this machine: ${names}. Tests skipped: ${skipped}. To run them, as root: apt-get install --no-install-recommends ${packages}\n`,
    )
  }
}

let said = false
