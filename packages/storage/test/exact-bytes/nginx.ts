import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'

import { onTestFinished } from 'vitest'

import { freePort, startDaemon, until } from '../../../../scripts/servers/daemon.ts'
import { needsProc, openFiles } from '../../../../scripts/servers/open-files.ts'
import { temporaryFolder } from '../filesystem/temporary-folder.ts'

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
  const nginx = startDaemon('nginx', ['-c', config, '-p', folder], {
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  })
  onTestFinished(() => nginx.end('SIGTERM'))
  await until('nginx answers', () => answers(port))
  return {
    port,
    bufferedFiles: () =>
      childrenOf(nginx.pid)
        .flatMap((pid) => openFiles(pid))
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

function childrenOf(pid: number): readonly number[] {
  needsProc()
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
}
