import { DeliveryError } from '../delivery/delivery-error.ts'
import { exportBytes } from '../delivery/export-bytes.ts'
import { createHeal } from '../delivery/heal.ts'
import { inOnePiece, onePiece } from '../delivery/in-one-piece.ts'
import { objectChunks } from '../delivery/object-chunks.ts'
import type { Heal } from '../delivery/resume.ts'
import { deliverWhole, startDelivery } from '../delivery/start-delivery.ts'
import type { FilledDelivery } from '../options/resolve-options.ts'
import type { ByteRange, ExportBody, OpenObject } from '../ports.ts'
import type { Reporter } from './events.ts'
import type { Exchange } from './exchange.ts'
import type { OpenedExport } from './open-export.ts'
import type { StoreAccess } from './store-access.ts'

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
  { storeSilenceMs: silenceMs, slowestClient: slowest, resume, retries }: FilledDelivery,
  exchange: Exchange,
  report: Reporter,
): Promise<ExportBody | undefined> {
  if (!object || plan.length === 0) return undefined
  const { ask, signal, entry, stop, end } = exchange
  const { lent } = access
  const sent = (bytes: number): void => {
    entry.bytesSent += bytes
  }
  const terms = { slowest, signal, stop, end, sent }
  const onOutage = (cause: unknown): void => report.trouble('store', outageCode(cause), cause)
  const heal = createHeal({ ...resume, retries, signal, onOutage, random: Math.random })
  const reopen = (range: ByteRange): Promise<OpenObject> => access.reopen(range, info)
  const source = { reopen, heal, silenceMs, lent, signal }
  return ask('store', async () => {
    if (plan.frame || plan.length > onePiece) {
      return startDelivery(plan.length, exportBytes(plan, { ...source, opened: object }), terms)
    }
    const chunk = await inOnePiece(plan.length, objectChunks(object, silenceMs, signal), lent).catch(
      healed(heal, plan.ranges[0]?.first ?? 0),
    )
    if (chunk) return deliverWhole(chunk, terms)
    return startDelivery(plan.length, exportBytes(plan, { ...source, opened: undefined }), terms)
  })
}

/** Nothing has been sent, so wherever it stopped, the next try begins where the first did. */
const healed =
  (heal: Heal, first: number) =>
  (error: unknown): Promise<undefined> =>
    heal(error, first).then(() => undefined)

const outageCode = (cause: unknown): string =>
  cause instanceof DeliveryError ? cause.outcome : 'store_failed'
