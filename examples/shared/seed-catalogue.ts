import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { createFilesystemStore } from '@sallyport/storage/filesystem'

/** An export that was written to `<directory>/<organization>/<id>.<format>`. */
export interface SeededExport {
  readonly organization: string
  readonly id: string
  readonly format: string
  /** 64 hex digits, of the whole file. */
  readonly sha256: string
}

/** The tables that a `CATALOGUE` has. */
export const tables = `
  CREATE TABLE organizations (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE exports (
    id TEXT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES organizations (id),
    key TEXT NOT NULL, -- below the organization's own place
    format TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ready', 'pending', 'failed')),
    filename TEXT,
    size INTEGER, -- bytes
    validator TEXT, -- the store's
    sha256 TEXT, -- 64 hex digits
    expires_at ANY, -- an ISO 8601 instant, or milliseconds since 1970
    PRIMARY KEY (tenant_id, id)
  ) STRICT;
`

/** Makes a catalogue of these exports. Their organizations have ids that differ from their names, as in real tables. */
export async function seedCatalogue(
  path: string,
  directory: string,
  exports: readonly SeededExport[],
): Promise<void> {
  const database = new DatabaseSync(path)
  try {
    database.exec(tables)
    const names = [...new Set(exports.map(({ organization }) => organization))]
    const addOrganization = database.prepare('INSERT INTO organizations VALUES (?, ?)')
    const addExport = database.prepare(
      "INSERT INTO exports VALUES (?, ?, ?, ?, 'ready', NULL, ?, ?, ?, NULL)",
    )
    for (const [index, name] of names.entries()) addOrganization.run(`org-${index + 1}`, name)
    const store = createFilesystemStore({ root: directory })
    for (const { organization, id, format, sha256 } of exports) {
      const key = `${id}.${format}`
      const info = await store.head(join(organization, key), AbortSignal.timeout(10_000))
      const tenantId = `org-${names.indexOf(organization) + 1}`
      addExport.run(id, tenantId, key, format, info?.size ?? null, info?.validator ?? null, sha256)
    }
  } finally {
    database.close()
  }
}
