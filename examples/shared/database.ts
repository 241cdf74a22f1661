import { Worker } from 'node:worker_threads'

import { abortable } from '@sallyport/core'

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, unknown>>

/** The statements that the worker has prepared. */
export type Statement = 'organization' | 'export'

/** One look-up, as it is sent to the worker. */
export interface Query {
  readonly statement: Statement
  readonly values: readonly string[]
}

/** The worker's answer to one look-up. */
export interface Answer {
  /** Absent: there is no such row. */
  readonly row?: Row | undefined
  readonly failed?: string
}

/** Gives the first row, or `undefined`. Rejects if the database fails, and with the signal's reason when that fires. */
export type Ask = (
  statement: Statement,
  values: readonly string[],
  signal: AbortSignal,
) => Promise<Row | undefined>

interface Waiting extends Query {
  readonly end: (answer: Answer) => void
}

/** Look-ups that may wait at the same time. If the database hangs, more are rejected at once. */
const MOST_WAITING = 1_000
const OPEN_WITHIN_MS = 10_000

/**
 * Opens a SQLite file for reading, in a worker thread: `node:sqlite` blocks the thread that calls it, and a hanging disk must
 * stop neither the event loop nor the threads that verify tokens.
 *
 * A message to a thread costs more than the look-up. So there is at most one message on its way, and look-ups that are asked for
 * meanwhile travel together in the next one. The more there are, the less each costs.
 *
 * Rejects if the file or a table is missing.
 */
export async function openDatabase(path: string): Promise<Ask> {
  let worker: Worker | undefined
  let asked: Waiting[] = []
  let sent: Waiting[] = []
  let isScheduled = false

  const start = (): Worker => {
    const started = new Worker(new URL('database-worker.ts', import.meta.url), { workerData: path })
    started.on('message', (answers: readonly Answer[]) => {
      const ended = sent
      sent = []
      for (const [index, { end }] of ended.entries()) end(answers[index] ?? {})
      if (asked.length > 0) send()
      else started.unref() // a service ends when its server does
    })
    started.on('error', () => undefined) // 'exit' follows, and the next look-up starts another
    started.on('exit', () => {
      worker = undefined
      const ended = [...sent, ...asked]
      sent = asked = []
      for (const { end } of ended) end({ failed: 'the thread of the database ended' })
    })
    return started
  }

  const send = (): void => {
    isScheduled = false
    if (sent.length > 0 || asked.length === 0) return
    worker ??= start()
    worker.ref()
    sent = asked
    asked = []
    worker.postMessage(sent.map(({ statement, values }): Query => ({ statement, values })))
  }

  const ask: Ask = async (statement, values, signal) => {
    if (sent.length + asked.length >= MOST_WAITING) throw new Error('the database does not answer')
    signal.throwIfAborted()
    const answer = new Promise<Answer>((end) => void asked.push({ statement, values, end }))
    // After the requests that arrived together.
    if (!isScheduled && sent.length === 0) {
      isScheduled = true
      setImmediate(send)
    }
    const { row, failed } = await abortable(answer, signal)
    if (failed !== undefined) throw new Error(failed)
    return row
  }

  await ask('organization', [''], AbortSignal.timeout(OPEN_WITHIN_MS))
  await ask('export', ['', ''], AbortSignal.timeout(OPEN_WITHIN_MS))
  return ask
}
