import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'

/** The server has one core, the load generator the other. */
export const serverCore = 0
export const clientCore = 1

/** Moves this process, and all that it starts from now on, to one core. */
export function moveToCore(core: number): void {
  execFileSync('taskset', ['-cp', String(core), String(process.pid)], { stdio: 'ignore' })
}

/** Starts a command on one core; all its threads and children stay there. Its stderr is ours. */
export function startPinned(
  core: number,
  command: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): ChildProcess {
  return spawn('taskset', ['-c', String(core), ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  })
}

/** Node, on our sources. */
export const nodeCommand = (...parts: readonly string[]): readonly string[] => [
  process.execPath,
  '--conditions=@sallyport/source',
  ...parts,
]

/** Whether a command is there to be started. */
export const isInstalled = (command: string, ...probe: readonly string[]): boolean =>
  spawnSync(command, probe, { stdio: 'ignore' }).error === undefined
