import { DeliveryError } from '../delivery/delivery-error.ts'
import { exportBytes } from '../delivery/export-bytes.ts'
import { objectChunks, measureStoreSpeed } from '../delivery/object-chunks.ts'
import type { ReopenPace } from '../delivery/reopen-policy.ts'
import { reopenPolicy } from '../delivery/reopen-policy.ts'
import {
  bodyOfOneChunk,
  bufferBody,
  createThrottle,
  longestBuffered,
  startDelivery,
} from '../delivery/start-delivery.ts'
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
 * Makes the response body of an opened export, and reads its first chunk. `undefined`: the response has no bytes. Throws if the
 * first chunk cannot be read: then the request can still be refused.
 *
 * A small body is read into one buffer, because that is cheaper than streaming. If that fails, the body is streamed, which can
 * reopen the object.
 */
export async function deliver(
  { plan, info, object }: OpenedExport,
  access: StoreAccess,
  { storeSilenceMs, slowestStore, slowestClient: slowest, bytesPerSecond, resume, pace }: DeliveryRules,
  exchange: Exchange,
): Promise<ExportBody | undefined> {
  if (!object || plan.length === 0) return undefined
  const { callPort, signal, draft, stop } = exchange
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
    draft.bytesSent += bytes
  }
  // A piece of a multipart body must begin with the head of a part, so only other bodies are split.
  const splits = plan.frame === undefined
  const throttle =
    bytesPerSecond === undefined ? undefined : createThrottle(bytesPerSecond, { splits, signal })
  const terms = { slowest, throttle, signal, stop, end, sent }
  const beforeReopen = reopenPolicy({
    ...resume,
    pace,
    signal,
    onOutage: reportFault,
    random: Math.random,
  })
  const reopen = (range: ByteRange): Promise<OpenObject> => access.reopen(range, info)
  const speed = measureStoreSpeed(storeSilenceMs, slowestStore)
  const source = { reopen, beforeReopen, speed, borrow, signal }
  const start = async (): Promise<ExportBody> => {
    if (plan.frame || plan.length > longestBuffered) {
      return startDelivery(plan.length, exportBytes(plan, { ...source, opened: object }), terms)
    }
    const chunk = await bufferBody(plan.length, objectChunks(object, speed, signal), borrow).catch(
      // No byte has been sent yet, so the object is reopened at the first byte.
      (error: unknown) => beforeReopen(error, plan.ranges[0]?.first ?? 0),
    )
    if (chunk) return bodyOfOneChunk(chunk, terms)
    return startDelivery(plan.length, exportBytes(plan, { ...source, opened: undefined }), terms)
  }
  return callPort('store', start).catch((error: unknown) => {
    // When the first byte is late, the error says `store_silent`. If a failure of the store was reported before, the store was not
    // silent, so refuse without that trouble.
    const isSilence = refusalDetail(error)?.trouble === 'store_silent'
    throw hasReported && isSilence ? refusal({ kind: 'unavailable' }, refusalCause(error)) : error
  })
}

/** The delivery options, and the state that the downloads share. */
interface DeliveryRules extends FilledDelivery {
  /** Shared by the downloads of the handler. */
  readonly pace: ReopenPace
}

const auditMs = 2_000

/**
 * Runs before the first byte is sent: awaits the audit, emits `download_started` and stops the first-byte deadline. Throws if
 * the audit fails or does not answer, because a download that cannot be recorded must not be sent.
 */
export async function announce(
  { status, ranges, length }: Plan,
  audit: ((event: DownloadStarted, signal: AbortSignal) => Promise<void>) | undefined,
  { draft, callPort, begin }: Exchange,
): Promise<void> {
  const carriesBytes = draft.method === 'GET' && status !== 304
  const head = { status, ranges: status === 206 ? ranges : [], bytesPromised: carriesBytes ? length : 0 }
  const download = carriesBytes ? startedEvent({ ...draft, ...head }) : undefined
  if (download && audit)
    await callPort('audit', (signal) => withDeadline((own) => audit(download, own), { ms: auditMs, signal }))
  begin(head, download)
}
