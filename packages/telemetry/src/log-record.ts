import type { Attributes, Context } from '@opentelemetry/api'
import type { ExportEvent } from '@sallyport/core'

import { errorTypeOf } from './error-type.ts'
import type { EventMembers } from './event-members.ts'
import type { LogRecord } from './open-telemetry.ts'

/** Makes the log record of an event: its members become attributes. The `cause` of an event never does. */
export function toLogRecord(event: ExportEvent, context: Context): LogRecord {
  const severityText = severityOf(event)
  return {
    eventName: `sallyport.${event.type}`,
    severityNumber: severityNumbers[severityText],
    severityText,
    attributes: eventAttributes(event),
    context,
  }
}

const severityNumbers = { INFO: 9, WARN: 13, ERROR: 17 } as const

/** What the service or a port failed at is an error. What the service ended on purpose is a warning, and so is a trouble. */
function severityOf(event: ExportEvent): keyof typeof severityNumbers {
  if (event.type === 'trouble') return 'WARN'
  if (event.type !== 'download_ended' && event.type !== 'request_ended') return 'INFO'
  if (errorTypeOf(event) === undefined) return 'INFO'
  return endedOnPurpose.has(event.outcome) ? 'WARN' : 'ERROR'
}

const endedOnPurpose: ReadonlySet<string> = new Set(['client_too_slow', 'lifetime_over', 'shut_down', 'cut'])

/** Only the members that are named here: a member that is added to the events later is not exported unseen. */
function eventAttributes(event: EventMembers): Attributes {
  const attributes: Record<string, string | number | string[] | undefined> = {
    'sallyport.request.id': event.id,
    'sallyport.request.sent_id': event.requestId,
    'http.request.method': event.method,
    'http.response.status_code': event.status,
    'client.address': event.address,
    'sallyport.version': event.version,
    'sallyport.via': event.via,
    'sallyport.ticket.id': event.ticketId,
    'sallyport.principal.issuer': event.principal?.issuer,
    'sallyport.principal.subject': event.principal?.subject,
    'sallyport.tenant.id': event.tenantId,
    'sallyport.export.id': event.exportId,
    'sallyport.attempts': event.attempts,
    'sallyport.ranges': event.ranges?.map(({ first, last }) => `${first}-${last}`),
    'sallyport.bytes_promised': event.bytesPromised,
    'sallyport.bytes_sent': event.bytesSent,
    'sallyport.first_byte_ms': event.firstByteMs,
    'sallyport.duration_ms': event.durationMs,
    'sallyport.outcome': event.outcome,
    'sallyport.refusal.kind': event.kind,
    'sallyport.suppressed': event.suppressed,
    'sallyport.trouble.port': event.port,
    'sallyport.trouble.code': event.code,
    'sallyport.expires_at': event.expiresAt?.toISOString(),
  }
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
}
