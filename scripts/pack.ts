import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  readonly name?: string
  readonly packageManager?: string
  readonly private?: boolean
}

const readManifest = (path: string): Manifest => JSON.parse(readFileSync(path, 'utf8')) as Manifest

/** Returns the output of a command. If it fails, prints the output and exits. */
export function run(command: string, args: readonly string[], cwd?: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...(cwd && { cwd }) })
  if (status === 0) return stdout
  console.error(`${stdout}${stderr}FAILED  ${command} ${args.join(' ')}`)
  return process.exit(1)
}

/** Packs every published package into a directory, as for publishing. Needs a build. Returns the paths of the tarballs. */
export function packAll(directory: string): readonly string[] {
  const { packageManager = 'pnpm' } = readManifest('package.json')
  const published = globSync('packages/*/package.json')
    .map(readManifest)
    .flatMap(({ name, private: kept }) => (name === undefined || kept ? [] : ['--filter', name]))
  run('npx', ['-y', packageManager, '--recursive', ...published, 'pack', '--pack-destination', directory])
  return globSync(join(directory, '*.tgz')).toSorted()
}
