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
  return {
    'sallyport.request.id': id,
    'http.response.status_code': status,
    'sallyport.attempts': attempts,
    ...(version !== undefined && { 'sallyport.version': version }),
    ...(via && { 'sallyport.via': via }),
    ...(format !== undefined && { 'sallyport.format': format }),
    ...(asked.tenantAttribute && tenantId !== undefined && { 'sallyport.tenant.id': tenantId }),
    ...(asked.exportAttribute && exportId !== undefined && { 'sallyport.export.id': exportId }),
    ...(event.type !== 'download_started' && { 'sallyport.outcome': event.outcome }),
    ...(event.type === 'request_ended' && event.kind && { 'sallyport.refusal.kind': event.kind }),
    ...(event.type !== 'request_ended' && { 'sallyport.bytes_promised': event.bytesPromised }),
    ...(event.type === 'download_ended' && { 'sallyport.bytes_sent': event.bytesSent }),
  }
}

/** The attributes of a refused request whose event is withheld, because its caller was refused often. */
export const withheldAttributes = ({ id, refused, format }: ObservedRequest, status: number): Attributes => ({
  'sallyport.request.id': id,
  'http.response.status_code': status,
  'sallyport.outcome': 'refused',
  ...(refused && { 'sallyport.refusal.kind': refused.kind, 'sallyport.version': refused.version }),
  ...(format !== undefined && { 'sallyport.format': format }),
})
