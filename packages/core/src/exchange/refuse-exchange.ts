import { DeliveryError } from '../delivery/delivery-error.ts'
import type { ExportResponse } from '../ports.ts'
import type { RefusalDetail, RefusalKind } from '../refusals.ts'
import { refusalCause, refusalDetail } from '../refusals.ts'
import type { RefusalTerms } from './answers.ts'
import { plainAnswer, refusalAnswer } from './answers.ts'
import type { Reporter } from './events.ts'
import type { Exchange } from './exchange.ts'

/** The one road out for everything that was thrown: the answer, the events, and nothing left open. */
export function refuseExchange(
  thrown: unknown,
  terms: RefusalTerms,
  { entry, end, stop }: Exchange,
  report: Reporter,
): ExportResponse {
  const detail = whyRefused(thrown)
  const cause = refusalCause(thrown)
  if (detail.trouble) report.trouble(detail.trouble.port, detail.trouble.code, cause)
  const { answer, kind, bug } = answerTo(detail, terms)
  if (entry.status === 0) Object.assign(entry, { status: answer.status, kind, bytesPromised: 0, ranges: [] })
  end(kind === 'internal' ? 'failed' : 'refused', bug ?? cause)
  stop(thrown)
  return answer
}

/** The answer, and the kind that it is of: an error format that fails is a bug like any other. */
function answerTo(
  detail: RefusalDetail,
  terms: RefusalTerms,
): { readonly answer: ExportResponse; readonly kind: RefusalKind; readonly bug?: unknown } {
  try {
    return { answer: refusalAnswer(detail, terms), kind: detail.kind }
  } catch (bug) {
    return { answer: plainAnswer(terms), kind: 'internal', bug }
  }
}

/** Before the head every end is a refusal; what is none of the caller's or a port's faults is a bug of ours. */
function whyRefused(thrown: unknown): RefusalDetail {
  const detail = refusalDetail(thrown)
  if (detail) return detail
  if (!(thrown instanceof DeliveryError)) return { kind: 'internal' }
  const code = thrown.outcome
  switch (code) {
    case 'store_cut':
    case 'store_stalled':
      return { kind: 'unavailable', trouble: { port: 'store', code } }
    case 'store_overran':
      return { kind: 'upstream_error', trouble: { port: 'store', code } }
    case 'object_changed':
      return { kind: 'object_changed', trouble: { port: 'store', code } }
    case 'failed':
      return blameStore(refusalDetail(thrown.cause)) ?? { kind: 'internal' }
    case 'completed':
    case 'refused':
    case 'client_aborted':
    case 'client_too_slow':
    case 'lifetime_over':
    case 'shut_down':
    case 'cut':
      return { kind: 'unavailable' }
  }
}

/** A read that no re-open can heal: what the store refused it with, and that it was the store. */
const blameStore = (detail: RefusalDetail | undefined): RefusalDetail | undefined =>
  detail && { trouble: { port: 'store', code: 'store_wrong' }, ...detail }
