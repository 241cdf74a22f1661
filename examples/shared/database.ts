import { Worker } from 'node:worker_threads'

import { abortable } from '@sallyport/core'

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, unknown>>

/** The statements that the worker knows. */
export type Statement = 'organization' | 'export'

/** What the worker is sent, and what it sends back. */
export interface Query {
  readonly id: number
  readonly statement: Statement
  readonly values: readonly string[]
}
export interface Answer {
  readonly id: number
  /** Absent: there is none. */
  readonly row?: Row | undefined
  readonly failed?: string
}

/** Gives the first row, or `undefined`. Rejects where the database fails, and with the signal's reason once that fires. */
export type Ask = (
  statement: Statement,
  values: readonly string[],
  signal: AbortSignal,
) => Promise<Row | undefined>

/** Questions that may wait at the same time. With a database that hangs, more are refused at once. */
const MOST_WAITING = 1_000
const OPEN_WITHIN_MS = 10_000

/**
 * Opens a SQLite file for reading, in a thread of its own: `node:sqlite` blocks the thread that calls it, and a disk that hangs
 * must stop neither the event loop nor the threads that verify tokens.
 *
 * Rejects where the file or a table is missing.
 */
export async function openDatabase(path: string): Promise<Ask> {
  const waiting = new Map<number, (answer: Omit<Answer, 'id'>) => void>()
  let worker: Worker | undefined
  let last = 0

  const start = (): Worker => {
    const started = new Worker(new URL('database-worker.ts', import.meta.url), { workerData: path })
    started.on('message', ({ id, ...answer }: Answer) => {
      waiting.get(id)?.(answer)
      waiting.delete(id)
      if (waiting.size === 0) started.unref() // a service ends when its server does
    })
    started.on('error', () => undefined) // 'exit' follows, and the next question starts another
    started.on('exit', () => {
      worker = undefined
      for (const end of waiting.values()) end({ failed: 'the thread of the database ended' })
      waiting.clear()
    })
    return started
  }

  const ask: Ask = async (statement, values, signal) => {
    if (waiting.size >= MOST_WAITING) throw new Error('the database does not answer')
    signal.throwIfAborted()
    worker ??= start()
    worker.ref()
    const id = (last += 1)
    const question: Query = { id, statement, values }
    const answer = new Promise<Omit<Answer, 'id'>>((resolve) => void waiting.set(id, resolve))
    worker.postMessage(question)
    const { row, failed } = await abortable(answer, signal)
    if (failed !== undefined) throw new Error(failed)
    return row
  }

  await ask('organization', [''], AbortSignal.timeout(OPEN_WITHIN_MS))
  await ask('export', ['', ''], AbortSignal.timeout(OPEN_WITHIN_MS))
  return ask
}
