import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'

import { tables } from '@sallyport/example-shared/seed-catalogue'

/** Other rows of the table, so that the index has more than one level. */
const otherRows = 10_000

/** A SQLite catalogue with the tables of the examples. */
export interface BenchCatalogue {
  /** Adds a finished CSV export whose object is `<organization>/<id>.csv`. */
  add(exportId: string, organization: string, bytes: number): void
  close(): void
}

export function createCatalogue(path: string, organization: string): BenchCatalogue {
  const database = new DatabaseSync(path)
  database.exec(tables)
  database.prepare('INSERT INTO organizations VALUES (?, ?)').run(idOf(organization), organization)
  const insert = database.prepare(
    "INSERT INTO exports VALUES (?, ?, ?, 'csv', 'ready', NULL, ?, NULL, NULL, NULL)",
  )
  const add: BenchCatalogue['add'] = (exportId, owner, bytes) =>
    void insert.run(exportId, idOf(owner), `${exportId}.csv`, bytes)
  database.exec('BEGIN')
  for (let row = 0; row < otherRows; row++) add(randomUUID(), organization, 0)
  database.exec('COMMIT')
  return { add, close: () => database.close() }
}

/** Differs from the name, as in real tables. */
const idOf = (organization: string): string => `id-of-${organization}`
