import { randomUUID } from 'node:crypto'

import { createReopenPace } from './delivery/reopen-policy.ts'
import { askAdmission, settleCost, takeBytes } from './exchange/admission.ts'
import { announce, deliver } from './exchange/deliver.ts'
import { createReporter, createStoreListener, portListener } from './exchange/events.ts'
import { startExchange } from './exchange/exchange.ts'
import { createPrincipalFinder } from './exchange/find-principal.ts'
import { findRecord, reportMissingParameters } from './exchange/find-record.ts'
import type { Answer } from './exchange/issue-ticket.ts'
import { answerWithTicket, hostIssuer } from './exchange/issue-ticket.ts'
import { accessObject, openExport } from './exchange/open-export.ts'
import { commonHeaders, optionsAnswer, refuseExchange } from './exchange/refuse.ts'
import { reserveConnections } from './exchange/reserve-connections.ts'
import { createRunning, operatorMethods } from './exchange/running.ts'
import { planPermitted } from './exchange/use-ticket.ts'
import { isRangeList } from './http/byte-range.ts'
import { printableText } from './http/field-values.ts'
import { prefersHtml } from './http/negotiation.ts'
import type { ExportHandlerOptions } from './options/options.ts'
import { resolveOptions } from './options/resolve-options.ts'
import type { ExportStore, Principal, Tenant } from './ports.ts'
import type { ExportHandler, ExportRequest, ExportResponse } from './request-response.ts'
import { requireAdmitted } from './steps/admit.ts'
import { authorize } from './steps/authorize.ts'
import type { Route } from './steps/check-method.ts'
import { checkMethod } from './steps/check-method.ts'
import { requireServed, requireTicketTenant, requireTickets, sentTickets } from './steps/check-ticket.ts'
import { negotiateVersion } from './steps/negotiate-version.ts'
import { parseExportId } from './steps/parse-export-id.ts'
import { nameRequired, onlyTenantName, parseTenantName } from './steps/parse-tenant-name.ts'
import { requireOpen } from './steps/require-open.ts'
import { requireValid } from './steps/require-valid.ts'
import { resolveTenant } from './steps/resolve-tenant.ts'

/**
 * Creates the guarded endpoint for the exports of a store.
 *
 * `handle` runs the lines of `answer` for each request, from top to bottom. Each line either adds to the response or throws a
 * refusal. A request for a ticket runs the same lines up to the record. `handle` never rejects: refusals, failures of a port and
 * bugs are responses too.
 *
 * @throws TypeError that names each wrong option, what it must be and what it is
 */
export function createExportHandler<T extends Tenant>(options: ExportHandlerOptions<T>): ExportHandler {
  const settings = resolveOptions(options)
  const { verifier, tenancy, capability, limits, tickets, vary, now } = settings
  const report = createReporter(settings.onEvent)
  const running = createRunning(() => report.flush())
  const delivery = { ...settings.delivery, pace: createReopenPace(running.count) }
  const planRules = { multipleRanges: delivery.multipleRanges, vary, boundary: randomUUID }
  const exchangeRules = { ...delivery, report, running }
  const findPrincipal = createPrincipalFinder(settings)
  const listenTo = createStoreListener(report)
  verifier.onTrouble?.(portListener('verifier', report))
  limits.limiter.onTrouble?.(portListener('limiter', report))

  /** @param known - the principal, if the host has authenticated it. Absent: the request must prove one */
  async function answer(request: ExportRequest, route: Route, known?: Principal): Promise<Answer> {
    const { method, params } = request
    const header = (name: string): string | undefined => request.header(name)
    const exchange = startExchange(request, exchangeRules)
    const { draft, callPort, end } = exchange
    const { requestId } = draft
    const sent = route === 'download' ? sentTickets(request, tickets) : []
    if (sent.length > 0) draft.via = 'ticket'
    let version = settings.defaultVersion
    const common = { Vary: vary, ...commonHeaders, 'X-Request-Id': requestId }
    let headers: Record<string, string> = { ...common }
    const answerIn = (chosen: typeof version): void => {
      version = chosen
      draft.version = chosen.name
      headers = { ...common, ...chosen.headers }
    }
    try {
      const versionName = header(settings.versionHeader.toLowerCase())
      const requested = negotiateVersion(versionName, settings, now())
      version = requested.version
      if ('value' in requested.parsed) answerIn(version)
      requireOpen(running.isDraining())
      reportMissingParameters(params, settings, exchange)
      checkMethod(method, route)
      const issuer = route === 'ticket' ? requireTickets(tickets) : undefined
      if (method === 'OPTIONS') return { response: optionsAnswer(headers, route, exchange) }

      const { principal, ticket } = await findPrincipal(request, sent, known, exchange)
      if (ticket) answerIn(requireServed(negotiateVersion(ticket.version, settings, now()).parsed))
      const [exportId, tenantName] = requireValid([
        parseExportId(params[settings.idParameter], settings),
        parseTenantName(request, settings.tenantName, !ticket && nameRequired(tenancy, principal)),
        ticket ? { value: version } : requested.parsed,
      ])
      draft.exportId = printableText(exportId)
      const named = { exportId, tenantName, versionName }
      const plan = await planPermitted(ticket, named, request, settings, exchange)
      const name = ticket?.tenant.name ?? tenantName ?? onlyTenantName(principal, settings.tenantName)
      const tenant = await resolveTenant(name, principal, tenancy, (call) => callPort('tenants', call))
      draft.tenantId = printableText(tenant.id)
      if (ticket) requireTicketTenant(ticket, tenant)
      authorize(principal, capability)
      const admission = await askAdmission(route, request, principal, tenant, limits, exchange)
      Object.assign(headers, admission.fields)
      requireAdmitted(admission)

      const query = { exportId, tenant, principal, version: version.name }
      const record = await findRecord(query, settings, exchange)
      const subject = { principal, tenant, exportId, record, version: version.name, capability }
      if (issuer) return await answerWithTicket(subject, request, issuer, now(), headers, exchange)

      const store = (): ExportStore =>
        reserveConnections(listenTo(settings.storeOf(tenant)), principal, tenant, limits, exchange)
      const object = accessObject(store, record.key, request.borrow === true, delivery, exchange)
      const { mediaTypes } = version
      const question = { ...planRules, method, header, record, mediaTypes, now: now() }
      const opened = await openExport(question, object, plan)
      const settled = await settleCost(method, opened, admission, limits, exchange)
      const charged = await takeBytes(opened, settled, principal, tenant, limits, exchange)
      Object.assign(headers, charged.fields)
      requireAdmitted(charged)
      const body = await deliver(opened, object, delivery, exchange)
      await announce(opened.plan, settings.audit, exchange)

      if (!body) end('completed')
      Object.assign(headers, opened.plan.headers)
      const ending = ticket ? ({ cut: 'close' } as const) : {}
      return { response: { status: opened.plan.status, headers, ...(body && { body }), ...ending } }
    } catch (refused) {
      const { errors } = version
      const page = draft.via === 'ticket' && prefersHtml(header('accept')) ? tickets?.page : undefined
      const terms = { method, route, requestId, errors, page, capability, headers, random: Math.random }
      return { response: refuseExchange(refused, terms, exchange), refused }
    }
  }

  const respond = async (request: ExportRequest, route: Route): Promise<ExportResponse> => {
    const { response } = await answer(request, route)
    // After a list of ranges the connection is closed. Varnish rejects the answer, keeps the connection, and would read the
    // unread bytes as the answer to its next request.
    const closes = running.isDraining() || isRangeList(request.header('range'))
    return closes ? { ...response, closeConnection: true } : response
  }

  return {
    handle: (request) => respond(request, 'download'),
    handleTicket: (request) => respond(request, 'ticket'),
    ...hostIssuer(answer, settings),
    ...operatorMethods(running, verifier),
  }
}
