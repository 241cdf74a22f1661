import type { Socket } from 'node:net'

import { DeliveryError } from '../delivery/delivery-error.ts'
import type { NodeResponse } from './node-response.ts'
import { endingOf, isFinished, isGone, isHttp2, isTaken } from './node-response.ts'

/** Watches whether the client is still there. */
export interface ClientWatch {
  /** Fires when the answer cannot reach the client any more; its reason is a `DeliveryError`. */
  readonly signal: AbortSignal
  /** Fires the signal for another reason, such as a middleware that throws. The first reason counts. */
  readonly end: (reason: DeliveryError) => void
  /** The exchange is over: fires the signal if the answer is not out, and stops watching. */
  forget(): void
}

/**
 * Watches the client of a response. Call it before any await: a listener that is added later may wait for a 'close' that
 * has passed. The request's own 'close' is no sign: it comes as soon as the request's body was read.
 */
export function watchClient(response: NodeResponse, socket: Socket): ClientWatch {
  const controller = new AbortController()
  const end = (reason: DeliveryError): void => {
    if (!controller.signal.aborted) controller.abort(reason)
  }
  const leave = (): void => {
    if (!isFinished(response)) end(new DeliveryError('client_aborted'))
  }
  const stopListening = listen(response, leave)
  if (isTaken(response)) end(new DeliveryError('failed', new Error('response_taken')))
  else if (isGone(response) || socket.destroyed) leave()
  return {
    signal: controller.signal,
    end,
    forget: () => {
      stopListening()
      leave()
    },
  }
}

/** Calls `leave` when the response or its stream is over. */
function listen(response: NodeResponse, leave: () => void): () => void {
  const ending = endingOf(response)
  ending.once('close', leave)
  if (!isHttp2(response)) return () => ending.off('close', leave)
  // A stream that its client ends with NO_ERROR emits 'close' only once all of it is read and written, which may be
  // never. It emits 'aborted' if the answer has more to come, and 'end' if all of it waits to be sent.
  const endOfRequest = (): void => {
    if (response.stream.closed) leave()
  }
  ending.once('aborted', leave)
  ending.once('end', endOfRequest)
  return () => {
    ending.off('close', leave)
    ending.off('aborted', leave)
    ending.off('end', endOfRequest)
  }
}
