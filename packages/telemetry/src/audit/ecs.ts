import { isIP } from 'node:net'

import type { EventMembers, RequestEvent } from '../event-members.ts'
import { successOf } from '../event-members.ts'

/** A document of the Elastic Common Schema, 8.11. */
export interface EcsDocument {
  /** When the event was reported (RFC 3339). */
  readonly '@timestamp': string
  /** The version of the schema. */
  readonly ecs: { readonly version: '8.11.0' }
  /** What happened. `duration` is in nanoseconds, `reason` the kind of the refusal or the outcome. */
  readonly event: {
    readonly kind: 'event'
    readonly category: readonly ['file']
    readonly type: readonly ['access']
    readonly action: 'download' | 'ticket'
    readonly dataset: string
    readonly outcome: 'success' | 'failure' | 'unknown'
    readonly id: string
    readonly reason?: string
    readonly duration?: number
  }
  /** The request and its response. */
  readonly http: {
    readonly request: { readonly id: string; readonly method?: string }
    readonly response?: { readonly status_code: number; readonly body?: { readonly bytes: number } }
  }
  /** The export. Absent: the request named none, or a malformed one. */
  readonly file?: { readonly name: string; readonly type: 'file' }
  /** The tenant. Absent: it was not found. */
  readonly organization?: { readonly id: string }
  /** The principal: subject and issuer. Absent: the request proved none. */
  readonly user?: { readonly id: string; readonly domain: string }
  /** The client. Absent: unknown. */
  readonly source?: { readonly address: string; readonly ip?: string }
  /** The trace of the request. Absent: unknown. */
  readonly trace?: { readonly id: string }
  /** Fields that the schema does not have. */
  readonly sallyport: Readonly<Record<string, string | number>>
}

/**
 * Converts an event to the Elastic Common Schema. Never contains the `cause` of the event.
 *
 * @param event - any event but `trouble`, which is about no request of a user
 * @param more - `at`: when the event was reported, default is now. `traceId`: the id of the request's trace, default is none
 */
export function toEcs(
  event: RequestEvent,
  more: { readonly at?: Date; readonly traceId?: string } = {},
): EcsDocument {
  const { at = new Date(), traceId } = more
  const members: EventMembers = event
  const { status, durationMs, bytesSent, outcome, kind, method, exportId, tenantId, principal, address } =
    members
  const body = bytesSent === undefined ? {} : { body: { bytes: bytesSent } }
  return {
    '@timestamp': at.toISOString(),
    ecs: { version: '8.11.0' },
    event: {
      kind: 'event',
      category: ['file'],
      type: ['access'],
      action: event.type === 'ticket_issued' ? 'ticket' : 'download',
      dataset: `sallyport.${event.type}`,
      outcome: successOf(members, event.type),
      id: event.id,
      ...(outcome && { reason: kind ?? outcome }),
      ...(durationMs !== undefined && { duration: Math.round(durationMs * 1e6) }),
    },
    http: {
      request: { id: event.requestId, ...(method !== undefined && { method }) },
      ...(status !== undefined && { response: { status_code: status, ...body } }),
    },
    ...(exportId !== undefined && { file: { name: exportId, type: 'file' } }),
    ...(tenantId !== undefined && { organization: { id: tenantId } }),
    ...(principal && { user: { id: principal.subject, domain: principal.issuer } }),
    ...(address !== undefined && { source: { address, ...(isIP(address) !== 0 && { ip: address }) } }),
    ...(traceId !== undefined && { trace: { id: traceId } }),
    sallyport: ownFields(members),
  }
}

const ownFields = (event: EventMembers): EcsDocument['sallyport'] => ({
  ...(event.version !== undefined && { version: event.version }),
  ...(event.via && { via: event.via }),
  ...(event.ticketId !== undefined && { ticket_id: event.ticketId }),
  ...(event.attempts !== undefined && { attempts: event.attempts }),
  ...(event.bytesPromised !== undefined && { bytes_promised: event.bytesPromised }),
  ...(event.suppressed !== undefined && { suppressed: event.suppressed }),
})
