import { membersOf, wordFor, type Fault } from '../upstream/fault.ts'

/** Classifies an error of the Azure client, by its status first: the response to a HEAD has no body, and so no error code. */
export function classifyAzureError(error: unknown, pinned: boolean): Fault {
  const { code, statusCode: status, details } = membersOf(error)
  const word = wordFor(code, membersOf(details).errorCode)
  // The client throws a RangeError without a status for a response head that lacks a length or an entity-tag.
  if (error instanceof RangeError) return { kind: 'upstream_error', status: 200, word: 'wrong_length' }
  if (typeof status !== 'number') return { kind: 'unavailable', word }
  const fault = (kind: Fault['kind']): Fault => ({ kind, status, word })
  if (status === 404) return fault(word === 'ContainerNotFound' ? 'upstream_error' : 'missing')
  if ((status === 412 || status === 416) && pinned) return fault('object_changed')
  if (status >= 500 || status === 429) return fault('unavailable')
  return fault('upstream_error')
}
