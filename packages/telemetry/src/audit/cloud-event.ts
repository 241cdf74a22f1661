import { randomUUID } from 'node:crypto'

import type { ExportEvent } from '@sallyport/core'

/** A CloudEvent in structured form (CloudEvents 1.0). */
export interface CloudEvent {
  /** `1.0`. */
  readonly specversion: '1.0'
  /** Unique together with `source`. */
  readonly id: string
  /** The service that reports, as a URI reference. */
  readonly source: string
  /** `io.github.sallyport.download_ended` and so on. */
  readonly type: string
  /** The id of the export. Absent: the request named none, or a malformed one. */
  readonly subject?: string
  /** When the event was reported (RFC 3339). */
  readonly time: string
  /** `application/json`. */
  readonly datacontenttype: 'application/json'
  /** The trace of the request (W3C Trace Context). Absent: unknown. */
  readonly traceparent?: string
  /** The members of the event, but for `type` and `cause`. */
  readonly data: Readonly<Record<string, unknown>>
}

/**
 * Converts an event to a CloudEvent. Never contains the `cause` of the event.
 *
 * @param event - any event
 * @param source - a URI reference that names your service, such as `/services/exports`
 * @param more - `at`: when the event was reported, default is now. `traceparent`: the trace of the request, default is none.
 *   `id`: default is made from the event, or a UUID for a `trouble`
 */
export function toCloudEvent(
  event: ExportEvent,
  source: string,
  more: { readonly at?: Date; readonly traceparent?: string; readonly id?: string } = {},
): CloudEvent {
  // A copy has no `cause`, because that is not enumerable. It is removed in case a host's code has changed that.
  const { type, cause: _, ...data }: ExportEvent & { readonly cause?: unknown } = event
  const { at = new Date(), traceparent } = more
  const id = more.id ?? (event.type === 'trouble' ? randomUUID() : `${event.id}/${type}`)
  return {
    specversion: '1.0',
    id,
    source,
    type: `io.github.sallyport.${type}`,
    ...(event.exportId !== undefined && { subject: event.exportId }),
    time: at.toISOString(),
    datacontenttype: 'application/json',
    ...(traceparent !== undefined && { traceparent }),
    data,
  }
}
