import { readdirSync } from 'node:fs'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { Socket } from 'node:net'
import { queryObjects } from 'node:v8'

/** What the server process holds without load, after a garbage collection. */
export interface Usage {
  /** Bytes. */
  readonly resident: number
  readonly heap: number
  /** By name: descriptors, sockets, timers, listeners, slots, and objects that are still reachable. */
  readonly counts: Readonly<Record<string, number>>
}

/** Any `Usage`, to compare a message with. */
export const anyUsage: Usage = { resident: 0, heap: 0, counts: {} }

const timer = setTimeout(() => undefined, 0)
const classes = {
  timers: timer.constructor,
  requests: IncomingMessage,
  responses: ServerResponse,
  http2Requests: Http2ServerRequest,
  http2Responses: Http2ServerResponse,
  socketObjects: Socket,
  abortSignals: AbortSignal,
}
clearTimeout(timer)

/** Measures what this process holds. Collect garbage first. `-1` descriptors: the system has no `/proc`. */
export function readUsage(counts: Readonly<Record<string, number>>): Usage {
  const { rss, heapUsed } = process.memoryUsage()
  const objects = Object.entries(classes).map(([name, kind]) => [name, countOf(kind)] as const)
  return {
    resident: rss,
    heap: heapUsed,
    counts: {
      descriptors: descriptors(),
      ...Object.fromEntries(objects),
      processListeners: listenersOf(process),
      ...counts,
    },
  }
}

/** All listeners of an emitter, of every event. */
export const listenersOf = (emitter: NodeJS.EventEmitter): number =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)

/** The number of reachable objects of a class. */
const countOf = (kind: Function): number => queryObjects(kind, { format: 'count' })

function descriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return -1
  }
}
