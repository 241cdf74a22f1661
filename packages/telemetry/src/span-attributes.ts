import type { Attributes } from '@opentelemetry/api'
import type { DownloadEnded, DownloadStarted, RequestEnded } from '@sallyport/core'

import type { ObservedRequest } from './observed-request.ts'
import type { TelemetryOptions } from './options.ts'

type Asked = Pick<TelemetryOptions, 'tenantAttribute' | 'exportAttribute'>
type RequestEvent = DownloadStarted | DownloadEnded | RequestEnded

/**
 * The attributes of a request's span. They never hold a key, bucket, path, token or ticket, nor who the caller is. Tenant and export
 * only if the host asked for them.
 *
 * @param format - the format of the record. `undefined`: no record was found
 */
export function spanAttributes(event: RequestEvent, format: string | undefined, asked: Asked): Attributes {
  const { id, status, version, via, attempts, tenantId, exportId } = event
  const attributes: Attributes = {
    'sallyport.request.id': id,
    'http.response.status_code': status,
    'sallyport.attempts': attempts,
  }
  if (version !== undefined) attributes['sallyport.version'] = version
  if (via) attributes['sallyport.via'] = via
  if (format !== undefined) attributes['sallyport.format'] = format
  if (asked.tenantAttribute && tenantId !== undefined) attributes['sallyport.tenant.id'] = tenantId
  if (asked.exportAttribute && exportId !== undefined) attributes['sallyport.export.id'] = exportId
  if (event.type !== 'download_started') attributes['sallyport.outcome'] = event.outcome
  if (event.type === 'request_ended' && event.kind) attributes['sallyport.refusal.kind'] = event.kind
  if (event.type !== 'request_ended') attributes['sallyport.bytes_promised'] = event.bytesPromised
  if (event.type === 'download_ended') attributes['sallyport.bytes_sent'] = event.bytesSent
  return attributes
}

/** The attributes of a refused request whose event is withheld, because its caller was refused often. */
export const withheldAttributes = ({ id, refused, format }: ObservedRequest, status: number): Attributes => ({
  'sallyport.request.id': id,
  'http.response.status_code': status,
  'sallyport.outcome': 'refused',
  ...(refused && { 'sallyport.refusal.kind': refused.kind, 'sallyport.version': refused.version }),
  ...(format !== undefined && { 'sallyport.format': format }),
})
