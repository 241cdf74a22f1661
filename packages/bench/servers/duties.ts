// What a host does at every request besides authentication: it finds the export in its database, and writes a line to its log.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { DatabaseSync } from 'node:sqlite'

import { pino } from 'pino'

import { readDuties } from '../src/settings.ts'

/** The duties of an assembled stack. */
export interface Duties {
  /** Whether the catalogue has this export, ready, for this organization. */
  readonly isReady: (organization: string, exportId: string) => boolean
  /** Writes one line when the response has ended. */
  readonly logEnd: (request: IncomingMessage, response: ServerResponse, subject: string) => void
}

const { catalogue, log } = readDuties()

/** Both, if the bench gave the stack a catalogue and a log file. Otherwise neither does anything. */
export const duties: Duties =
  catalogue === ''
    ? { isReady: () => true, logEnd: () => undefined }
    : { isReady: createLookUp(), logEnd: createLog() }

/** One indexed SELECT, on the thread of the event loop: the shortest code that a host would write. */
function createLookUp(): Duties['isReady'] {
  const select = new DatabaseSync(catalogue, { readOnly: true }).prepare(
    `SELECT exports.* FROM exports JOIN organizations ON organizations.id = exports.tenant_id
     WHERE organizations.name = ? AND exports.id = ?`,
  )
  return (organization, exportId) => select.get(organization, exportId)?.['state'] === 'ready'
}

/** pino, as its documentation sets it up for production: it collects lines and writes them asynchronously. */
function createLog(): Duties['logEnd'] {
  const logger = pino({}, pino.destination({ dest: log, sync: false, minLength: 4_096 }))
  return (request, response, subject) => {
    const startedAt = performance.now()
    const { method, url } = request
    response.once('close', () => {
      const { statusCode: status, writableFinished: finished } = response
      const durationMs = performance.now() - startedAt
      logger.info({ method, url, status, subject, finished, durationMs }, 'request completed')
    })
  }
}
