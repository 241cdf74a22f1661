import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'

import { freePort, startDaemon, until } from './daemon.ts'

/** A reverse proxy in front of a server. */
export interface Proxy {
  readonly port: number
  close(): Promise<void>
}

/** How to run a reverse proxy in its own directory, on 127.0.0.1 only. */
interface Program {
  readonly command: string
  readonly args: (file: string, directory: string, port: number, config: string) => readonly string[]
  /** Changes the configuration so that it runs there. Its port 8080 is replaced afterwards. */
  readonly adapt: (config: string, directory: string) => string
  /** The user of Debian's package. */
  readonly user?: string
  /** SIGTERM by default. */
  readonly stop?: NodeJS.Signals
}

const apacheModules = [
  'mpm_event',
  'authz_core',
  'deflate',
  'env',
  'filter',
  'headers',
  'proxy',
  'proxy_http',
  'unique_id',
]

const programs = {
  nginx: {
    command: '/usr/sbin/nginx',
    args: (file) => ['-c', file],
    adapt: (config, directory) => {
      const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${directory}/${name};`)
        .join(' ')
      const inHttp = `http { access_log off; ${folders}`
      return `daemon off; master_process off; pid ${directory}/pid; error_log stderr crit;
${config.replace('http {', inHttp).replace('listen 8080', 'listen 127.0.0.1:8080')}`
    },
  },
  haproxy: {
    command: '/usr/sbin/haproxy',
    args: (file) => ['-db', '-f', file],
    adapt: (config) => config.replace('bind :8080', 'bind 127.0.0.1:8080'),
  },
  varnish: {
    command: '/usr/sbin/varnishd',
    // Without a jail: the users of Debian's jail cannot write to this directory. Parameters are in its first comment.
    args: (file, directory, port, config) => [
      '-F',
      '-j',
      'none',
      '-s',
      'malloc,16m',
      '-n',
      directory,
      '-f',
      file,
      '-a',
      `127.0.0.1:${port}`,
      ...(config.match(/-p \w+=\w+/g) ?? []).flatMap((parameter) => parameter.split(' ')),
    ],
    adapt: (config) => config,
  },
  apache: {
    command: '/usr/sbin/apache2',
    args: (file, directory) => ['-X', '-d', directory, '-f', file],
    // It compresses every response that may be compressed.
    adapt: (config, directory) => `PidFile ${directory}/pid
ServerName localhost
DefaultRuntimeDir ${directory}
ErrorLog "|/bin/cat"
${apacheModules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
SetOutputFilter DEFLATE
${config.replace('Listen 8080', 'Listen 127.0.0.1:8080')}`,
    user: 'www-data',
    stop: 'SIGKILL', // as one process, it waits for its clients on SIGTERM
  },
  caddy: {
    command: '/usr/bin/caddy',
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
    adapt: (config) => `{\nadmin off\n}\n${config.replace(':8080 {', ':8080 {\nbind 127.0.0.1')}`,
  },
  squid: {
    command: '/usr/sbin/squid',
    // Its name names its shared memory.
    args: (file, _, port) => ['-N', '-d', '1', '-n', `port${port}`, '-f', file],
    adapt: (config, directory) => `pid_filename ${directory}/pid
cache_log ${directory}/cache.log
access_log none
coredump_dir ${directory}
pinger_enable off
shutdown_lifetime 0 seconds
${config.replace('http_port 8080', 'http_port 127.0.0.1:8080')}`,
    user: 'proxy',
    stop: 'SIGINT',
  },
  lighttpd: {
    command: '/usr/sbin/lighttpd',
    args: (file) => ['-D', '-f', file],
    adapt: (config, directory) => `server.bind = "127.0.0.1"
server.document-root = "${directory}"
server.upload-dirs = ("${directory}")
${config}`,
  },
} satisfies Record<string, Program>

export type ProxyName = keyof typeof programs

/**
 * Starts a reverse proxy on a free port of 127.0.0.1, in a temporary directory. It ends with this process.
 *
 * @param config - listens on port 8080 and asks a server on 127.0.0.1, port 3000; both numbers are replaced
 * @param originPort - the server behind it
 */
export async function startProxy(name: ProxyName, config: string, originPort: number): Promise<Proxy> {
  const { command, args, adapt, user, stop = 'SIGTERM' }: Program = programs[name]
  const port = await freePort()
  const directory = await mkdtemp(path.join(tmpdir(), `${name}-`))
  await chmod(directory, 0o755)
  const file = path.join(directory, 'config')
  const text = adapt(config, directory)
  await writeFile(
    file,
    text.replaceAll(/\b8080\b/g, String(port)).replaceAll(/\b3000\b/g, String(originPort)),
  )
  if (user !== undefined && userInfo().uid === 0) await giveTo(user, directory)
  const daemon = startDaemon(command, args(file, directory, port, config), {
    cwd: directory,
    env: { HOME: directory },
    ...(user !== undefined && { user }),
  })
  const close = async (): Promise<void> => {
    await daemon.end(stop)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await until(`${name} accepts connections`, () => accepts(port))
  } catch (error) {
    await close()
    throw new Error(daemon.output(), { cause: error })
  }
  return { port, close }
}

async function giveTo(user: string, directory: string): Promise<void> {
  const { stdout } = spawnSync('id', ['-u', user], { encoding: 'utf8' })
  await chown(directory, Number(stdout), 0)
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
