import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

import type { Answer, Query } from './database.ts'

// Runs in a thread of its own: see database.ts.

const database = new DatabaseSync(String(workerData), { readOnly: true, timeout: 1_000 })
const statements = {
  organization: database.prepare('SELECT id, name FROM organizations WHERE name = ?'),
  export: database.prepare('SELECT * FROM exports WHERE tenant_id = ? AND id = ?'),
}
const begin = database.prepare('BEGIN')
const end = database.prepare('COMMIT')

parentPort?.on('message', (queries: readonly Query[]) => parentPort?.postMessage(answerAll(queries)))

/** In one transaction, because taking SQLite's lock costs more than a look-up by primary key. */
function answerAll(queries: readonly Query[]): readonly Answer[] {
  try {
    begin.run()
    try {
      return queries.map(({ statement, values }) => ({ row: statements[statement].get(...values) }))
    } finally {
      end.run()
    }
  } catch (error) {
    return queries.map(() => ({ failed: String(error) }))
  }
}
