import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { missingServers } from './available.ts'

/**
 * Installs the missing servers that the tests need, without starting their services. Needs root on Debian;
 * otherwise it fails with the command to run.
 */
export function installServers(): void {
  const packages = missingServers().flatMap((server) => server.packages)
  if (packages.length === 0) return
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(`as root, on Debian: apt-get install --no-install-recommends ${packages.join(' ')}`)
  }
  const apt = (...args: readonly string[]): unknown =>
    execFileSync('apt-get', ['-qq', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  apt('update')
  withoutServices(() => apt('install', '-y', '--no-install-recommends', ...packages))
}

/** Debian runs this program before a package starts its service. 101 prevents the start: the tests start their own servers. */
const policy = '/usr/sbin/policy-rc.d'

function withoutServices(install: () => void): void {
  if (existsSync(policy)) return install()
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    install()
  } finally {
    rmSync(policy)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installServers()
