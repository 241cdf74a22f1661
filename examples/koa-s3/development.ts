import { rmSync } from 'node:fs'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startDevelopmentIssuer } from './development-issuer.ts'
import type { Development, ExportsPlace, Identity, Settings } from './environment.ts'
import { seedExports } from './seed.ts'

/** Everything that a service of its own lacks, and a few lines to begin with. */
export interface Equipment {
  readonly exports: ExportsPlace
  readonly identity: Identity
  /** Two tokens, and commands to paste; `origin` is where the service listens. */
  readonly greeting: (origin: string) => string
}

const organizations = ['acme', 'globex'] as const

/** Starts the development issuer; where no exports are given, makes some up, to be removed when the process exits. */
export async function startDevelopment({ exports, onlyTenant }: Development & Settings): Promise<Equipment> {
  const place = exports ?? (await placeOfSeeds(onlyTenant))
  const names = onlyTenant === undefined ? await namesIn(place, exports === undefined) : [onlyTenant]
  const { identity, jwt, opaque } = await startDevelopmentIssuer(names)
  const sample = place.kind === 'directory' ? await findSample(place.path, names) : undefined
  const [organization, id] = sample
    ? [sample.organization, sample.id]
    : [names[0] ?? '<organization>', '<id>']
  return {
    exports: place,
    identity,
    greeting: (origin) =>
      [
        `jwt: ${jwt}`,
        `opaque: ${opaque}`,
        `curl -fsS -o export.csv -H 'Authorization: Bearer ${jwt}' -H 'X-Org-Name: ${organization}' '${origin}/user-action-audit-exports/${id}/download'`,
        ...(sample ? [`sha256sum export.csv '${sample.path}'`] : []),
      ].join('\n'),
  }
}

async function placeOfSeeds(onlyTenant: string | undefined): Promise<ExportsPlace> {
  const [first, other] = organizations
  const path = await mkdtemp(join(tmpdir(), 'sallyport-exports-'))
  process.on('exit', () => rmSync(path, { recursive: true, force: true }))
  await seedExports(path, onlyTenant ?? first, other)
  return { kind: 'directory', path }
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

/** The first export there is, for the command to paste. */
async function findSample(
  path: string,
  names: readonly string[],
): Promise<{ organization: string; id: string; path: string } | undefined> {
  for (const organization of names) {
    const files = await readdir(join(path, organization)).catch(() => [])
    const file = files.find((name) => /^[\da-f-]{36}\.(?:jsonl|csv|json)$/.test(name))
    if (file !== undefined)
      return { organization, id: file.slice(0, 36), path: join(path, organization, file) }
  }
  return undefined
}
