import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

import { onTestFinished } from 'vitest'

import { temporaryFolder } from '../filesystem/temporary-folder.ts'
import { until } from './waiting.ts'

/** A real nginx, as Debian ships it, in front of a port. */
export interface Nginx {
  readonly port: number
  /** Files that it is putting answers into. They have no name by then, but are open. */
  readonly bufferedFiles: () => number
}

/** Proxies to a port with nothing set but the address: what it does by default is what is tested. */
export async function startNginx(upstream: number): Promise<Nginx> {
  const folder = await temporaryFolder()
  const port = await freePort()
  const config = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  await writeFile(
    config,
    `${process.getuid?.() === 0 ? 'user root; ' : ''}daemon off; pid ${folder}/pid; error_log stderr; events {}
http {
  access_log off; ${temporary}
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${upstream}; } }
}`,
  )
  const nginx = spawn('nginx', ['-c', config, '-p', folder], {
    stdio: 'ignore',
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  })
  onTestFinished(async () => {
    nginx.kill('SIGQUIT')
    nginx.kill('SIGTERM')
    if (nginx.exitCode === null) await once(nginx, 'exit')
  })
  await until(() => answers(port))
  return {
    port,
    bufferedFiles: () =>
      childrenOf(nginx.pid ?? 0)
        .flatMap(openFiles)
        .filter((file) => file.startsWith(join(folder, 'proxy'))).length,
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)

const openFiles = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)]
    } catch {
      return [] // closed by now
    }
  })
