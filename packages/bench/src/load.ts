import { connect, type Socket } from 'node:net'

import { createAnswerReader, type ReadAnswer } from './answer-reader.ts'

/** One round of load on one server. */
export interface LoadJob {
  readonly port: number
  /** Whole requests, sent in turn, over and over. */
  readonly requests: readonly string[]
  readonly connections: number
  /** For so long requests are begun; those under way are read to their end. */
  readonly seconds: number
  /** Bytes of every right answer. */
  readonly length: number
}

/** What came of it. */
export interface LoadResult {
  /** Answers of status 200 and the right length. */
  readonly answers: number
  /** Other answers, connections that broke, and silence of 30 s. */
  readonly failures: number
  readonly elapsedMs: number
  /** CPU of the load generator itself. */
  readonly cpuMs: number
  /** Milliseconds from request to last byte, one for each right answer. */
  readonly latencies: readonly number[]
}

/** What a job and a result look like. */
export const anyJob: LoadJob = { port: 0, requests: [], connections: 0, seconds: 0, length: 0 }
export const anyResult: LoadResult = { answers: 0, failures: 0, elapsedMs: 0, cpuMs: 0, latencies: [] }

/** A connection that has failed so often is given up. */
const mostFailures = 3
const silenceMs = 30_000

/** Keeps every connection busy with one request at a time. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const latencies: number[] = []
  let failures = 0
  let next = 0
  const takeRequest = (): string => job.requests[next++ % job.requests.length] ?? ''
  const begun = performance.now()
  const cpu = process.cpuUsage()
  const until = begun + job.seconds * 1_000

  const keepBusy = async (): Promise<void> => {
    for (let failed = 0; failed < mostFailures && performance.now() < until; failed++) {
      const broke = await useConnection(job, takeRequest, until, latencies)
      if (!broke) return
      failures += 1
    }
  }
  await Promise.all(Array.from({ length: job.connections }, keepBusy))
  const { user, system } = process.cpuUsage(cpu)
  return {
    answers: latencies.length,
    failures,
    elapsedMs: performance.now() - begun,
    cpuMs: (user + system) / 1_000,
    latencies,
  }
}

/** One connection for as long as it holds. Settles with whether it broke, or gave a wrong answer. */
function useConnection(
  { port, length: expected }: LoadJob,
  takeRequest: () => string,
  until: number,
  latencies: number[],
): Promise<boolean> {
  return new Promise((resolve) => {
    let sentAt = 0
    const end = (broke: boolean): void => {
      resolve(broke)
      socket.destroy()
    }
    // Between two requests a client may leave: the server must not take that for a broken download.
    const leave = (): void => {
      resolve(false)
      socket.end()
    }
    const send = (): void => {
      if (performance.now() >= until) return leave()
      sentAt = performance.now()
      socket.write(takeRequest(), 'latin1')
    }
    const read = createAnswerReader(({ status, length }: ReadAnswer) => {
      if (status !== 200 || length !== expected) return end(true)
      latencies.push(performance.now() - sentAt)
      send()
    })
    const socket: Socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      // One buffer for the life of the connection: a fresh one for each read would cost more than the reading.
      onread: {
        buffer: Buffer.allocUnsafeSlow(262_144),
        callback: (count, buffer) => {
          read(Buffer.from(buffer.buffer, buffer.byteOffset, count))
          return true
        },
      },
    })
    socket.setTimeout(silenceMs, () => end(true))
    socket.on('connect', send)
    socket.on('error', () => end(true))
    socket.on('close', () => end(true))
  })
}
