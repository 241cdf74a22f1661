import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Packs every package that is published, as it would be, and judges the tarballs: what a consumer gets is not what lies
// in the folder. Needs a build.

interface Manifest {
  readonly name?: string
  readonly packageManager?: string
  readonly private?: boolean
}

const readManifest = (path: string): Manifest => JSON.parse(readFileSync(path, 'utf8')) as Manifest

/** Prints what a command said only where it failed. */
function run(command: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return
  console.error(`${stdout}${stderr}FAILED  ${command} ${args.join(' ')}`)
  process.exit(1)
}

const { packageManager = 'pnpm' } = readManifest('package.json')
const directory = mkdtempSync(join(tmpdir(), 'sallyport-pack-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const published = globSync('packages/*/package.json')
  .map(readManifest)
  .flatMap(({ name, private: kept }) => (name === undefined || kept ? [] : ['--filter', name]))
run('npx', '-y', packageManager, '--recursive', ...published, 'pack', '--pack-destination', directory)
for (const tarball of globSync(join(directory, '*.tgz'))) {
  run('publint', '--strict', tarball)
  run('attw', tarball, '--profile', 'esm-only')
  console.log(`ok  ${tarball.slice(directory.length + 1)}`)
}
