import { DeliveryError } from '../delivery/delivery-error.ts'
import type { Outcome } from '../events.ts'
import type { RefusalDetail, RefusalKind } from '../refusals.ts'
import { refusalCause, refusalDetail } from '../refusals.ts'
import type { ExportResponse } from '../request-response.ts'
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
  if (detail.trouble) report.trouble(detail.trouble, cause)
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

/** Before the head every end is a refusal. An error that is neither a refusal nor the delivery's is a bug of ours. */
function whyRefused(thrown: unknown): RefusalDetail {
  const detail = refusalDetail(thrown)
  if (detail) return detail
  if (!(thrown instanceof DeliveryError)) return { kind: 'internal' }
  const { outcome, trouble } = thrown
  return { kind: kindOf[outcome], ...(trouble && { trouble }) }
}

const kindOf: Readonly<Record<Outcome, RefusalKind>> = {
  store_cut: 'unavailable',
  store_stalled: 'unavailable',
  store_too_slow: 'unavailable',
  store_overran: 'upstream_error',
  store_wrong: 'upstream_error',
  object_changed: 'object_changed',
  failed: 'internal',
  completed: 'unavailable',
  refused: 'unavailable',
  client_aborted: 'unavailable',
  client_too_slow: 'unavailable',
  lifetime_over: 'unavailable',
  shut_down: 'unavailable',
  cut: 'unavailable',
}
