import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

import type { Answer, Query } from './database.ts'

// Runs in a thread of its own: see database.ts.

const database = new DatabaseSync(String(workerData), { readOnly: true, timeout: 1_000 })
const statements = {
  organization: database.prepare('SELECT id, name FROM organizations WHERE name = ?'),
  export: database.prepare('SELECT * FROM exports WHERE tenant_id = ? AND id = ?'),
}

parentPort?.on('message', ({ id, statement, values }: Query) => {
  parentPort?.postMessage(answer(id, () => statements[statement].get(...values)))
})

function answer(id: number, find: () => Answer['row']): Answer {
  try {
    return { id, row: find() }
  } catch (error) {
    return { id, failed: String(error) }
  }
}
