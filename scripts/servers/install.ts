import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { missingServers } from './available.ts'

/** Installs what is missing of the servers that the tests need. As root, on Debian; else it says what to do. */
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
  apt('install', '-y', '--no-install-recommends', ...packages)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installServers()
