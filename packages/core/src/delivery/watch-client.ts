import type { Socket } from 'node:net'

import { DeliveryError } from './delivery-error.ts'
import type { NodeResponse } from './node-response.ts'
import { endingOf, isFinished, isGone, isTaken } from './node-response.ts'

/** Knows whether the client is still there. */
export interface ClientWatch {
  /** Fires when it is gone before the answer was out. */
  readonly signal: AbortSignal
  /** Fires it: something else answers this client, so everything is let go. */
  giveUp(): void
  /** The exchange is over: nothing is watched any more. */
  forget(): void
}

/**
 * Watches the client of a response. To be called before any await: who listens later may wait for a 'close' that has
 * passed. The request's own 'close' is no sign: it comes as soon as its body was read.
 */
export function watchClient(response: NodeResponse, socket: Socket): ClientWatch {
  const controller = new AbortController()
  const { signal } = controller
  const leave = (): void => {
    if (!isFinished(response)) controller.abort(new DeliveryError('client_aborted'))
  }
  const ending = endingOf(response)
  ending.once('close', leave)
  // A pipelined answer has no socket before its turn, and hears nothing of its end.
  const queued = response.socket === null
  if (queued) onClose(socket).add(leave)
  const giveUp = (): void => controller.abort(new DeliveryError('failed', new Error('response_taken')))
  if (isTaken(response)) giveUp()
  else if (isGone(response) || socket.destroyed) leave()
  return {
    signal,
    giveUp,
    forget: () => {
      ending.off('close', leave)
      if (queued) onClose(socket).delete(leave)
    },
  }
}

/** One listener a connection, however many answers wait in its line. */
const waiting = new WeakMap<Socket, Set<() => void>>()

function onClose(socket: Socket): Set<() => void> {
  const known = waiting.get(socket)
  if (known) return known
  const queued = new Set<() => void>()
  waiting.set(socket, queued)
  socket.once('close', () => {
    for (const leave of queued) leave()
  })
  return queued
}
