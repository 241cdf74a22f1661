import { DeliveryError } from '../delivery/delivery-error.ts'
import { exportBytes } from '../delivery/export-bytes.ts'
import { objectChunks, createStoreFloor } from '../delivery/object-chunks.ts'
import type { ReopenPace } from '../delivery/reopen-policy.ts'
import { reopenPolicy } from '../delivery/reopen-policy.ts'
import { deliverWhole, bufferBody, longestBuffered, startDelivery } from '../delivery/start-delivery.ts'
import type { DownloadStarted, Outcome } from '../events.ts'
import type { FilledDelivery } from '../options/resolve-options.ts'
import type { ByteRange, OpenObject } from '../ports.ts'
import { refusal, refusalCause, refusalDetail } from '../refusals.ts'
import type { ExportBody } from '../request-response.ts'
import type { Plan } from '../steps/plan-delivery.ts'
import { withDeadline } from '../waiting.ts'
import { startedEvent } from './events.ts'
import type { Exchange } from './exchange.ts'
import type { OpenedExport, StoreAccess } from './open-export.ts'

/**
 * The body of an opened export, its first chunk in hand; `undefined`: no bytes are sent. Throws while a clean refusal
 * is still possible.
 *
 * A small body is taken in one piece, which spares it the layers that a long one needs. Where that fails, it goes their
 * way.
 */
export async function deliver(
  { plan, info, object }: OpenedExport,
  access: StoreAccess,
  { storeSilenceMs, slowestStore, slowestClient: slowest, resume, pace }: DeliveryRules,
  exchange: Exchange,
): Promise<ExportBody | undefined> {
  if (!object || plan.length === 0) return undefined
  const { ask, signal, entry, stop } = exchange
  const { borrow } = access
  let hasReported = false
  const reportFault = (fault: DeliveryError): void => {
    hasReported = true
    if (fault.trouble) exchange.trouble(fault.trouble, fault.cause ?? fault)
  }
  const end = (outcome: Outcome, cause?: unknown): void => {
    if (cause instanceof DeliveryError) reportFault(cause)
    exchange.end(outcome, cause)
  }
  const sent = (bytes: number): void => {
    entry.bytesSent += bytes
  }
  const terms = { slowest, signal, stop, end, sent }
  const beforeReopen = reopenPolicy({
    ...resume,
    pace,
    signal,
    onOutage: reportFault,
    random: Math.random,
  })
  const reopen = (range: ByteRange): Promise<OpenObject> => access.reopen(range, info)
  const floor = createStoreFloor(storeSilenceMs, slowestStore)
  const source = { reopen, beforeReopen, floor, borrow, signal }
  const start = async (): Promise<ExportBody> => {
    if (plan.frame || plan.length > longestBuffered) {
      return startDelivery(plan.length, exportBytes(plan, { ...source, opened: object }), terms)
    }
    const chunk = await bufferBody(plan.length, objectChunks(object, floor, signal), borrow).catch(
      // Nothing has been sent, so wherever it stopped, the object is opened at the first byte.
      (error: unknown) => beforeReopen(error, plan.ranges[0]?.first ?? 0),
    )
    if (chunk) return deliverWhole(chunk, terms)
    return startDelivery(plan.length, exportBytes(plan, { ...source, opened: undefined }), terms)
  }
  return ask('store', start).catch((error: unknown) => {
    // The first-byte clock ended an outage that has been reported. The store was not silent: it failed, again and again.
    const isSilence = refusalDetail(error)?.trouble === 'store_silent'
    throw hasReported && isSilence ? refusal({ kind: 'unavailable' }, refusalCause(error)) : error
  })
}

/** How bodies are delivered. */
interface DeliveryRules extends FilledDelivery {
  /** Shared by the downloads of the handler. */
  readonly pace: ReopenPace
}

const auditMs = 2_000

/**
 * Tells that the first byte is about to leave: the audit is awaited, the event emitted, the first-byte clock stopped.
 * Throws when the audit fails or is silent: what cannot be recorded does not leave.
 */
export async function announce(
  { status, ranges, length }: Plan,
  audit: ((event: DownloadStarted, signal: AbortSignal) => Promise<void>) | undefined,
  { entry, ask, begin }: Exchange,
): Promise<void> {
  const carriesBytes = entry.method === 'GET' && status !== 304
  const head = { status, ranges: status === 206 ? ranges : [], bytesPromised: carriesBytes ? length : 0 }
  const download = carriesBytes ? startedEvent({ ...entry, ...head }) : undefined
  if (download && audit)
    await ask('audit', (signal) => withDeadline((own) => audit(download, own), { ms: auditMs, signal }))
  begin(head, download)
}
