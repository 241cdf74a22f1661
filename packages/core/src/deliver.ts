import { DeliveryError } from './delivery/delivery-error.ts'
import { exportBytes } from './delivery/export-bytes.ts'
import { createHeal } from './delivery/heal.ts'
import { startDelivery } from './delivery/start-delivery.ts'
import type { Reporter } from './events.ts'
import type { Exchange } from './exchange.ts'
import type { OpenedExport } from './open-export.ts'
import type { FilledDelivery } from './options.ts'
import type { ExportBody } from './ports.ts'
import type { StoreAccess } from './store-access.ts'

/**
 * The body of an opened export, its first chunk in hand; `undefined`: no bytes are sent. Throws while a clean refusal
 * is still possible.
 */
export async function deliver(
  { plan, info, object }: OpenedExport,
  access: StoreAccess,
  { storeSilenceMs, slowestClient, resume }: FilledDelivery,
  exchange: Exchange,
  report: Reporter,
): Promise<ExportBody | undefined> {
  if (!object || plan.length === 0) return undefined
  const { ask, signal, entry, stop, end } = exchange
  const onOutage = (cause: unknown): void => report.trouble('store', outageCode(cause), cause)
  const chunks = exportBytes(plan, {
    opened: object,
    reopen: (range) => access.reopen(range, info),
    heal: createHeal({ ...resume, signal, onOutage, random: Math.random }),
    silenceMs: storeSilenceMs,
    lent: access.lent,
    signal,
  })
  const sent = (bytes: number): void => {
    entry.bytesSent += bytes
  }
  const terms = { slowest: slowestClient, signal, stop, end, sent }
  return ask('store', () => startDelivery(plan.length, chunks, terms))
}

const outageCode = (cause: unknown): string =>
  cause instanceof DeliveryError ? cause.outcome : 'store_failed'
