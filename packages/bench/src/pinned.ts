import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'

/** The server has one core, the load generator the other. */
export const serverCore = 0
export const clientCore = 1

/** Pins this process, and all processes that it starts later, to one core. */
export function moveToCore(core: number): void {
  execFileSync('taskset', ['-cp', String(core), String(process.pid)], { stdio: 'ignore' })
}

/**
 * Starts a command pinned to one core, with all its threads and children. It inherits stderr.
 *
 * @param environment - added to our own; `undefined` removes a variable
 * @param output - the descriptor of a file for its stdout. Absent: a pipe
 */
export function startPinned(
  core: number,
  command: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  output: number | 'pipe' = 'pipe',
): ChildProcess {
  return spawn('taskset', ['-c', String(core), ...command], {
    stdio: ['pipe', output, 'inherit'],
    env: { ...process.env, ...environment },
  })
}

/** Runs Node on the sources. */
export const nodeCommand = (...parts: readonly string[]): readonly string[] => [
  process.execPath,
  '--conditions=@sallyport/source',
  ...parts,
]

/** Whether a command is installed. */
export const isInstalled = (command: string, ...probe: readonly string[]): boolean =>
  spawnSync(command, probe, { stdio: 'ignore' }).error === undefined
