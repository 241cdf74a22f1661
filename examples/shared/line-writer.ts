import { write, writeSync } from 'node:fs'

/** Writes lines to a file descriptor in the background. It never blocks the event loop while the process runs, and never throws. */
export interface LineWriter {
  /** Takes one or several whole lines, each with its `\n`. */
  readonly write: (lines: string) => void
  /** Resolves when all lines are written, or after `withinMs` milliseconds. */
  readonly flush: (withinMs: number) => Promise<void>
}

/** Characters that may wait for a slow file. Further lines are dropped, and counted. */
const MAX_WAITING = 4_194_304
/** Milliseconds for which lines are collected: one write for hundreds of lines costs less than one for each. */
const COLLECT_MS = 50
/** Milliseconds until the next try after a full pipe, and after any other error, such as a full disk. */
const RETRY_FULL_PIPE_MS = 20
const RETRY_MS = 1_000
/** Milliseconds that the exit of the process may wait for the last lines. */
const EXIT_MS = 1_000

/**
 * Creates a writer. A file that is slow or full makes it drop lines; it then writes how many. A pipe whose reader has gone makes it
 * drop all. When the process exits, the remaining lines are written synchronously, for at most a second.
 *
 * It is not pino's own destination (sonic-boom), because that tries forever to write the last lines to a full disk, and so the
 * process never exits.
 */
export function createLineWriter(fd: number): LineWriter {
  let waiting = ''
  /** What was taken from `waiting` and is not written yet. */
  let rest: Buffer = Buffer.alloc(0)
  let isInCall = false
  let dropped = 0
  let isGone = false
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  const take = (): Buffer => {
    const lines = waiting
    waiting = ''
    if (dropped === 0) return Buffer.from(lines)
    const time = new Date().toISOString()
    const report = `${JSON.stringify({ level: 'warn', time, type: 'log_lines_dropped', count: dropped })}\n`
    dropped = 0
    return Buffer.from(lines + report)
  }

  const writeAll = async (): Promise<void> => {
    for (rest = take(); rest.length > 0 && !isGone; rest = take()) {
      while (rest.length > 0 && !isGone) {
        isInCall = true
        const result = await writeOnce(fd, rest)
        isInCall = false
        if (typeof result === 'number') rest = rest.subarray(result)
        else if (result === 'gone') isGone = true
        else await pause(result === 'full_pipe' ? RETRY_FULL_PIPE_MS : RETRY_MS)
      }
    }
    writing = undefined
  }
  const start = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    return (writing ??= writeAll())
  }

  process.on('exit', () => {
    // The call that is being made may still write its bytes, so they are not written again.
    if (!isGone) writeLast(fd, isInCall ? take() : Buffer.concat([rest, take()]))
  })

  return {
    write: (lines) => {
      if (isGone) return
      if (waiting.length + lines.length > MAX_WAITING) {
        dropped += 1
        return
      }
      waiting += lines
      if (!writing) timer ??= setTimeout(() => void start(), COLLECT_MS).unref()
    },
    flush: async (withinMs) => {
      const deadline = Promise.withResolvers<void>()
      const late = setTimeout(deadline.resolve, withinMs)
      await Promise.race([start(), deadline.promise])
      clearTimeout(late)
    },
  }
}

type Failure = 'full_pipe' | 'gone' | 'failed'

/** Resolves to the number of bytes that were written, or to why there are none. */
const writeOnce = (fd: number, bytes: Buffer): Promise<number | Failure> =>
  new Promise((resolve) => {
    write(fd, bytes, (error, written) => resolve(error ? failureOf(error) : written))
  })

function failureOf({ code }: NodeJS.ErrnoException): Failure {
  if (code === 'EAGAIN') return 'full_pipe'
  return code === 'EPIPE' || code === 'EBADF' || code === 'ECONNRESET' ? 'gone' : 'failed'
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })

/** Writes what it can while the process exits. */
function writeLast(fd: number, bytes: Buffer): void {
  const sleeping = new Int32Array(new SharedArrayBuffer(4))
  const deadline = performance.now() + EXIT_MS
  let rest = bytes
  while (rest.length > 0 && performance.now() < deadline) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(sleeping, 0, 0, RETRY_FULL_PIPE_MS)
    }
  }
}
