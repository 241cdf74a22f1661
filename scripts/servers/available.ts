import { accessSync, constants } from 'node:fs'
import path from 'node:path'

/** A server that tests need, and its Debian package. */
export interface NeededServer {
  readonly name: string
  readonly commands: readonly string[]
  readonly packages: readonly string[]
}

export const neededServers = {
  ceph: {
    name: 'Ceph',
    commands: ['radosgw', 'ceph-mon', 'ceph-osd'],
    packages: ['radosgw', 'ceph-mon', 'ceph-osd'],
  },
  redis: { name: 'Redis', commands: ['redis-server'], packages: ['redis-server'] },
  // Its server is outside of PATH: see postgres.ts.
  postgres: { name: 'PostgreSQL', commands: ['pg_ctlcluster', 'psql'], packages: ['postgresql'] },
  nginx: { name: 'nginx', commands: ['nginx'], packages: ['nginx-light'] },
  bindfs: { name: 'bindfs', commands: ['bindfs'], packages: ['bindfs'] },
  haproxy: { name: 'HAProxy', commands: ['haproxy'], packages: ['haproxy'] },
  varnish: { name: 'Varnish', commands: ['varnishd'], packages: ['varnish'] },
  apache: { name: 'Apache', commands: ['apache2'], packages: ['apache2'] },
  caddy: { name: 'Caddy', commands: ['caddy'], packages: ['caddy'] },
  squid: { name: 'Squid', commands: ['squid'], packages: ['squid'] },
  lighttpd: { name: 'lighttpd', commands: ['lighttpd'], packages: ['lighttpd'] },
  chromium: { name: 'Chromium', commands: ['chromium'], packages: ['chromium'] },
  openssl: { name: 'OpenSSL', commands: ['openssl'], packages: ['openssl'] },
  prometheus: { name: 'Prometheus', commands: ['prometheus', 'promtool'], packages: ['prometheus'] },
  aria2: { name: 'aria2', commands: ['aria2c'], packages: ['aria2'] },
  curl: { name: 'curl', commands: ['curl'], packages: ['curl'] },
} as const satisfies Record<string, NeededServer>

/** Whether a server is installed: `describe.skipIf(!isHere('ceph'))`. Azurite is an npm package, so it always is. */
export const isHere = (server: keyof typeof neededServers): boolean =>
  neededServers[server].commands.every(isCommand)

/** The servers that are not installed. */
export const missingServers = (): readonly NeededServer[] =>
  Object.values(neededServers).filter(({ commands }) => !commands.every(isCommand))

// Debian installs daemons in directories that are only in root's PATH.
const places = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/sbin']

const isCommand = (command: string): boolean =>
  places.some((place) => isExecutable(path.join(place, command)))

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
