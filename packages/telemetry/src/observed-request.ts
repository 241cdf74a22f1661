import type { DownloadEnded, DownloadStarted, RefusalKind, RequestEnded } from '@sallyport/core'

import type { RequestSpans } from './spans.ts'

/** What is known of a request while it is answered. */
export interface ObservedRequest {
  readonly id: string
  /** As `performance.now()`. */
  readonly startedAt: number
  /** Absent: the request is not traced. */
  readonly spans?: RequestSpans
  /** The format of the record. */
  format?: string
  /** The kind of the refusal, also if its event is withheld because the caller was refused often. */
  refused?: { readonly kind: RefusalKind; readonly version: string }
  started?: DownloadStarted
  ended?: DownloadEnded | RequestEnded
}

/** Returns the request that is being answered. `undefined`: the call belongs to no request, or to one that is not traced. */
export type Current = () => ObservedRequest | undefined
