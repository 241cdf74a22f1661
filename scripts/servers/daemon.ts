import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A server process that ends with the process that started it. */
export interface Daemon {
  readonly pid: number
  /** Its output so far. */
  output(): string
  /** Sends SIGSTOP: connections stay open, and get no response. */
  freeze(): void
  thaw(): void
  /** Ends the process, and resolves when it has exited. The default signal is SIGKILL. */
  end(signal?: NodeJS.Signals): Promise<void>
}

/** How to start a daemon. */
export interface DaemonOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Whom root starts it as; itself by default. A daemon that changes its user later is not ended with this process. */
  readonly user?: string
}

/** Starts a server. On Linux the kernel ends it with this process, even if this process is killed. */
export function startDaemon(
  command: string,
  args: readonly string[],
  { env = {}, cwd, user }: DaemonOptions = {},
): Daemon {
  const [file, ...rest] =
    process.platform === 'linux'
      ? ['setpriv', ...identityOf(user), '--pdeathsig', 'KILL', command, ...args]
      : [command, ...args]
  const child: ChildProcess = spawn(file ?? command, rest, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  })
  let output = ''
  const keep = (bytes: Buffer): void => {
    output = (output + bytes.toString()).slice(-20_000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  child.on('error', (error) => {
    output += error.message
  })
  const reap = (): void => void child.kill('SIGKILL')
  process.once('exit', reap)
  child.once('exit', () => process.off('exit', reap))
  return {
    pid: child.pid ?? 0,
    output: () => output,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    end: async (signal = 'SIGKILL') => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
      const gone = once(child, 'exit')
      child.kill('SIGCONT')
      child.kill(signal)
      await gone
    },
  }
}

/** The start of a command line that root uses to run a program as another user. Empty for everyone but root. */
export const asUser = (user: string): readonly string[] =>
  process.getuid?.() === 0 ? ['setpriv', ...identityOf(user)] : []

const identityOf = (user: string | undefined): readonly string[] =>
  user === undefined || process.getuid?.() !== 0 ? [] : ['--reuid', user, '--regid', user, '--clear-groups']

/** A port on 127.0.0.1 that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Calls a check repeatedly until it returns true. */
export async function until(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  withinMs = 20_000,
): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
