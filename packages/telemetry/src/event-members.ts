import type { DownloadEnded, RequestEnded, TicketIssued, Trouble } from '@sallyport/core'

/** The members of all events. Each event has some of them. `cause` is left out. */
export type EventMembers = Partial<
  Omit<DownloadEnded, 'type' | 'cause'> &
    Pick<RequestEnded, 'kind' | 'suppressed'> &
    Pick<TicketIssued, 'expiresAt'> &
    Pick<Trouble, 'port' | 'code'>
>
