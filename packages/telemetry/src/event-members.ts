import type { DownloadEnded, ExportEvent, RequestEnded, TicketIssued, Trouble } from '@sallyport/core'

/** The members of all events. Each event has some of them. `cause` is left out. */
export type EventMembers = Partial<
  Omit<DownloadEnded, 'type' | 'cause'> &
    Pick<RequestEnded, 'kind' | 'suppressed'> &
    Pick<TicketIssued, 'expiresAt'> &
    Pick<Trouble, 'port' | 'code'>
>

/** An event about a request: every event but `trouble`. */
export type RequestEvent = Exclude<ExportEvent, Trouble>

/** Whether what an event reports has succeeded. `unknown`: a download has started and has not ended. */
export function successOf(
  { outcome }: EventMembers,
  type: RequestEvent['type'],
): 'success' | 'failure' | 'unknown' {
  if (type === 'download_started') return 'unknown'
  return outcome === undefined || outcome === 'completed' ? 'success' : 'failure'
}
