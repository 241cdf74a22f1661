import { isIP } from 'node:net'

import { errorTypeOf } from '../error-type.ts'
import type { EventMembers, RequestEvent } from '../event-members.ts'
import { successOf } from '../event-members.ts'

/** The product that reports to OCSF: your service. */
export interface OcsfProduct {
  /** The name of the service. */
  readonly name: string
  /** The company that makes it. Absent: not said. */
  readonly vendor_name?: string
  /** Its version. Absent: not said. */
  readonly version?: string
}

/** An OCSF event of the class File Hosting Activity (6006), schema 1.6.0. */
export interface OcsfFileHostingActivity {
  /** 2 (Download), 12 (Share: a ticket was issued) or 17 (Access Check: no byte of the export was sent). */
  readonly activity_id: 2 | 12 | 17
  /** 6: Application Activity. */
  readonly category_uid: 6
  /** 6006: File Hosting Activity. */
  readonly class_uid: 6006
  /** `class_uid` × 100 + `activity_id`. */
  readonly type_uid: number
  /** Milliseconds since the epoch. */
  readonly time: number
  /** 1 (informational), 2 (low: a refusal) or 3 (medium: the service failed). */
  readonly severity_id: 1 | 2 | 3
  /** 0 (a download has started), 1 (success) or 2 (failure). */
  readonly status_id: 0 | 1 | 2
  /** The HTTP status. Absent: a ticket was issued. */
  readonly status_code?: string
  /** The kind of the refusal, or the outcome. Absent: the request has not ended. */
  readonly status_detail?: string
  /** Whole milliseconds from the request to its end. Absent: it has not ended. */
  readonly duration?: number
  /** How many requests this event stands for. */
  readonly count: number
  /** Until when a ticket permits to begin a download, in milliseconds since the epoch. Absent: this is no ticket. */
  readonly expiration_time?: number
  /** Who reports, and the ids of event and tenant. `correlation_uid` is the `id` of the request. */
  readonly metadata: {
    readonly version: '1.6.0'
    readonly product: OcsfProduct
    readonly uid: string
    readonly correlation_uid: string
    readonly event_code: string
    readonly tenant_uid?: string
  }
  /** The principal. `anonymous`: the request proved none. */
  readonly actor: {
    readonly user: { readonly uid: string; readonly domain: string } | { readonly name: string }
  }
  /** The export. `unknown`: the request named none, or a malformed one. */
  readonly file: { readonly name: string; readonly uid?: string; readonly type_id: 0 | 1 }
  /** The client. */
  readonly src_endpoint: { readonly ip: string } | { readonly name: string }
  /** The method, if OCSF knows it, and the value of `X-Request-Id`. */
  readonly http_request: { readonly uid: string; readonly http_method?: string }
  /** The status, and the bytes of the body that were sent. Absent: a ticket was issued. */
  readonly http_response?: { readonly code: number; readonly length?: number }
}

/**
 * Converts an event to OCSF. Never contains the `cause` of the event. Pure, but for the default of `at`.
 *
 * @param event - any event but `trouble`, which is about no request of a user
 * @param product - your service
 * @param at - when the event was reported. Default is now
 */
export function toOcsf(
  event: RequestEvent,
  product: OcsfProduct,
  at: Date = new Date(),
): OcsfFileHostingActivity {
  const members: EventMembers = event
  const { status, durationMs, expiresAt, tenantId, outcome, kind, method = 'POST', bytesSent } = members
  const activity_id = activityOf(event)
  return {
    activity_id,
    category_uid: 6,
    class_uid: 6006,
    type_uid: 600_600 + activity_id,
    time: at.getTime(),
    severity_id: severityOf(event),
    status_id: statusIds[successOf(members, event.type)],
    ...(status !== undefined && { status_code: String(status) }),
    ...(outcome && { status_detail: kind ?? outcome }),
    ...(durationMs !== undefined && { duration: Math.round(durationMs) }),
    count: 1 + (members.suppressed ?? 0),
    ...(expiresAt && { expiration_time: expiresAt.getTime() }),
    metadata: {
      version: '1.6.0',
      product,
      uid: `${event.id}/${event.type}`,
      correlation_uid: event.id,
      event_code: event.type,
      ...(tenantId !== undefined && { tenant_uid: tenantId }),
    },
    actor: { user: userOf(members) },
    file: fileOf(members),
    src_endpoint: endpointOf(members),
    http_request: { uid: event.requestId, ...(knownMethods.has(method) && { http_method: method }) },
    ...(status !== undefined && {
      http_response: { code: status, ...(bytesSent !== undefined && { length: bytesSent }) },
    }),
  }
}

const statusIds = { unknown: 0, success: 1, failure: 2 } as const

function activityOf({ type }: RequestEvent): OcsfFileHostingActivity['activity_id'] {
  if (type === 'ticket_issued') return 12
  return type === 'request_ended' ? 17 : 2
}

function severityOf(event: RequestEvent): OcsfFileHostingActivity['severity_id'] {
  if (event.type !== 'download_ended' && event.type !== 'request_ended') return 1
  if (errorTypeOf(event) !== undefined) return 3
  return event.outcome === 'refused' ? 2 : 1
}

const userOf = ({ principal }: EventMembers): OcsfFileHostingActivity['actor']['user'] =>
  principal ? { uid: principal.subject, domain: principal.issuer } : { name: 'anonymous' }

const fileOf = ({ exportId }: EventMembers): OcsfFileHostingActivity['file'] =>
  exportId === undefined ? { name: 'unknown', type_id: 0 } : { name: exportId, uid: exportId, type_id: 1 }

const endpointOf = ({ address = 'unknown' }: EventMembers): OcsfFileHostingActivity['src_endpoint'] =>
  isIP(address) === 0 ? { name: address } : { ip: address }

/** The methods that the schema lists. A client may send any other. */
const knownMethods: ReadonlySet<string> = new Set('CONNECT DELETE GET HEAD OPTIONS POST PUT TRACE'.split(' '))
