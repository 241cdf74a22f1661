import { rmSync } from 'node:fs'
import { mkdtemp, readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { demoPage, type Page, type ShownExport } from './demo-page.ts'
import { startDevelopmentIssuer } from './development-issuer.ts'
import type { Development, ExportsPlace, Identity, Settings } from './environment.ts'
import { type SeededExport, seedCatalogue } from './seed-catalogue.ts'

/** What differs between the services. */
export interface DevelopmentPlan {
  /** What the tokens grant. */
  readonly scope: string
  /** The name that the printed curl line saves the export under. */
  readonly saveAs: string
  /** The path of an export's download. */
  readonly path: (id: string) => string
  /** Writes made-up exports below a directory, in a folder for each organization. */
  readonly seed: (directory: string, first: string, other: string) => Promise<readonly SeededExport[]>
}

/** Everything that a service of its own lacks, and a few lines to begin with. */
export interface Equipment {
  readonly exports: ExportsPlace
  readonly catalogue: string | undefined
  readonly identity: Identity
  /** The page at `/`. */
  readonly page: Page
  /** Two tokens, and commands to paste; `origin` is where the service listens. */
  readonly greeting: (origin: string) => string
}

/**
 * Starts the development issuer. Where no exports are given, it makes some up, and a catalogue of them; both are removed when the
 * process exits.
 */
export async function startDevelopment(
  { exports, catalogue, onlyTenant }: Development & Settings,
  { scope, saveAs, path, seed }: DevelopmentPlan,
): Promise<Equipment> {
  const place = exports ? { exports, catalogue } : await makeExports(onlyTenant ?? organizations[0], seed)
  const names = onlyTenant === undefined ? await namesIn(place.exports, !exports) : [onlyTenant]
  const { identity, jwt, opaque } = await startDevelopmentIssuer(names, scope)
  const shown = place.exports.kind === 'directory' ? await findShown(place.exports.path, names, path) : []
  const sample = place.exports.kind === 'directory' ? await findSample(place.exports.path, names) : undefined
  const [organization, id] = sample
    ? [sample.organization, sample.id]
    : [names[0] ?? '<organization>', '<id>']
  return {
    ...place,
    identity,
    page: demoPage(shown, jwt),
    greeting: (origin) =>
      [
        `jwt: ${jwt}`,
        `opaque: ${opaque}`,
        `curl -fsS -o ${saveAs} -H 'Authorization: Bearer ${jwt}' -H 'X-Org-Name: ${organization}' '${origin}${path(id)}'`,
        ...(sample ? [`sha256sum ${saveAs} '${sample.path}'`] : []),
      ].join('\n'),
  }
}

const organizations = ['acme', 'globex'] as const

async function makeExports(first: string, seed: DevelopmentPlan['seed']) {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-exports-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'exports')
  const catalogue = join(folder, 'catalogue.db')
  await seedCatalogue(catalogue, path, await seed(path, first, organizations[1]))
  return { exports: { kind: 'directory', path }, catalogue } as const
}

/** Whom the tokens are for: the first of the seeded organizations, and elsewhere everybody there is. */
async function namesIn(place: ExportsPlace, seeded: boolean): Promise<readonly string[]> {
  if (seeded) return [organizations[0]]
  if (place.kind !== 'directory') return organizations
  const entries = await readdir(place.path, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted()
}

/** The exports that the tokens reach, for the page. */
async function findShown(
  root: string,
  names: readonly string[],
  pathOf: (id: string) => string,
): Promise<readonly ShownExport[]> {
  const shown: ShownExport[] = []
  for (const organization of names) {
    for (const file of await readdir(join(root, organization)).catch(() => [])) {
      if (!exportFile.test(file)) continue
      const id = file.slice(0, 36)
      shown.push({
        id,
        organization,
        size: (await stat(join(root, organization, file))).size,
        path: pathOf(id),
      })
    }
  }
  return shown
}

const exportFile = /^[\da-f-]{36}\.(?:jsonl|csv|json)$/

/** The first export there is, for the command to paste. */
async function findSample(
  path: string,
  names: readonly string[],
): Promise<{ organization: string; id: string; path: string } | undefined> {
  for (const organization of names) {
    const files = await readdir(join(path, organization)).catch(() => [])
    const file = files.find((name) => exportFile.test(name))
    if (file !== undefined)
      return { organization, id: file.slice(0, 36), path: join(path, organization, file) }
  }
  return undefined
}
