import { parseEntityTag, parseEntityTags, strongMatch } from '../http/preconditions.ts'
import type { ObjectInfo } from '../ports.ts'
import { because, refusal, refusalDetail } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import type { NamedByRequest } from '../steps/check-ticket.ts'
import { checkTicketTime, requireNotRevoked, requireTicketFor } from '../steps/check-ticket.ts'
import type { DeliveryQuestion, Plan } from '../steps/plan-delivery.ts'
import { planDelivery } from '../steps/plan-delivery.ts'
import type { Ticket, Tickets } from '../ticket.ts'
import type { Exchange } from './exchange.ts'

type PlanDelivery = (question: DeliveryQuestion, info: ObjectInfo) => Plan

/**
 * Refuses a ticket if the request contradicts it, if its time is over, or if the host has revoked it. Returns the function that plans
 * the answer. After the `startBy` of the ticket, that function refuses everything but the resume of a download.
 *
 * @param ticket - absent: the request has no ticket, and the returned function refuses nothing
 */
export async function planPermitted(
  ticket: Ticket | undefined,
  named: NamedByRequest,
  request: ExportRequest,
  { tickets, now }: { readonly tickets?: Tickets | undefined; readonly now: () => number },
  { callPort }: Exchange,
): Promise<PlanDelivery> {
  if (!ticket) return planDelivery
  requireTicketFor(ticket, named)
  const plan = checkTicketTime(ticket, request, now()) === 'part' ? onlyPart(planDelivery) : planDelivery
  const isRevoked = tickets?.isRevoked
  if (!isRevoked) return plan
  const { id, principal, tenant, exportId, issuedAt } = ticket
  const { issuer, subject } = principal
  const used = { id, issuer, subject, tenantId: tenant.id, exportId, issuedAt: new Date(issuedAt) }
  requireNotRevoked(await callPort('tickets', async (signal) => isRevoked(used, signal)))
  return plan
}

/**
 * A plan that is a part of the object, asked for under its strong ETag: the resume of a download. Any other answer, also 412 and
 * 416, is refused as `ticket_expired`, which keeps the partial file of Chromium.
 */
const onlyPart =
  (plan: PlanDelivery): PlanDelivery =>
  (question, info) => {
    const planned = planOrExpired(plan, question, info)
    if (planned.status === 206 && holdsPart(question, planned.headers['ETag'] ?? '')) return planned
    throw notAResume()
  }

function planOrExpired(plan: PlanDelivery, question: DeliveryQuestion, info: ObjectInfo): Plan {
  try {
    return plan(question, info)
  } catch (error) {
    const kind = refusalDetail(error)?.kind
    throw kind === 'precondition_failed' || kind === 'range_not_satisfiable' ? notAResume() : error
  }
}

/** Whether a condition names the ETag itself: `*` and a date prove nothing. */
function holdsPart({ header }: DeliveryQuestion, etag: string): boolean {
  const actual = parseEntityTag(etag)
  const ifRange = parseEntityTag(header('if-range') ?? '')
  const ifMatch = parseEntityTags(header('if-match') ?? '')
  const named = [...(ifRange ? [ifRange] : []), ...(ifMatch && ifMatch !== '*' ? ifMatch : [])]
  return actual !== undefined && named.some((tag) => strongMatch(tag, actual))
}

const notAResume = (): Error =>
  refusal(
    { kind: 'ticket_expired' },
    because('a download had to begin earlier, and the request does not resume one'),
  )
