import type { Socket } from 'node:net'

import { DeliveryError } from '../delivery/delivery-error.ts'
import type { NodeResponse } from './node-response.ts'
import { endEmitterOf, isFinished, isGone, isHttp2, isAnsweredElsewhere } from './node-response.ts'

/** Reports when the client of a response has left. */
export interface ClientWatch {
  /** Fires when the response can no longer reach the client. Its reason is a `DeliveryError`. */
  readonly signal: AbortSignal
  /** Fires the signal with another reason, such as an error of middleware. Only the first reason counts. */
  readonly end: (reason: DeliveryError) => void
  /** Ends the watch when the exchange is over. Fires the signal if the response was not sent completely. */
  forget(): void
}

/**
 * Watches the client of a response. Call it before any await: a listener that is added later may miss the 'close' event. The
 * request's 'close' does not help, because Node emits it as soon as the request body was read.
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
  if (isAnsweredElsewhere(response)) end(new DeliveryError('failed', new Error('response_taken')))
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

/** Calls `leave` when the response or its stream has ended. */
function listen(response: NodeResponse, leave: () => void): () => void {
  const emitter = endEmitterOf(response)
  emitter.once('close', leave)
  if (!isHttp2(response)) return () => emitter.off('close', leave)
  // If the client closes a stream with NO_ERROR, the stream emits 'close' only after everything is read and written, which may
  // never happen. It emits 'aborted' if the response is not complete yet, and 'end' if all of it waits to be sent.
  const endOfRequest = (): void => {
    if (response.stream.closed) leave()
  }
  emitter.once('aborted', leave)
  emitter.once('end', endOfRequest)
  return () => {
    emitter.off('close', leave)
    emitter.off('aborted', leave)
    emitter.off('end', endOfRequest)
  }
}
