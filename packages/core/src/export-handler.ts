import { randomUUID } from 'node:crypto'

import { createReopenPace } from './delivery/reopen-policy.ts'
import { askAdmission, settleCost } from './exchange/admission.ts'
import { announce, deliver } from './exchange/deliver.ts'
import { createReporter, createStoreListener, portListener } from './exchange/events.ts'
import { startExchange } from './exchange/exchange.ts'
import { createPrincipalFinder } from './exchange/find-principal.ts'
import { findRecord } from './exchange/find-record.ts'
import { reportMissingParameters } from './exchange/host-mistakes.ts'
import { accessObject, openExport } from './exchange/open-export.ts'
import { commonHeaders, optionsAnswer, refuseExchange } from './exchange/refuse.ts'
import { createRunning } from './exchange/running.ts'
import { shareStore } from './exchange/share-store.ts'
import { isRangeList } from './http/byte-range.ts'
import { printableText } from './http/field-values.ts'
import { checkCall } from './options/check-handler.ts'
import type { ExportHandlerOptions } from './options/options.ts'
import { resolveOptions } from './options/resolve-options.ts'
import type { ExportStore, Tenant } from './ports.ts'
import type { ExportHandler, ExportRequest, ExportResponse } from './request-response.ts'
import { requireAdmitted } from './steps/admit.ts'
import { authorize } from './steps/authorize.ts'
import { checkMethod } from './steps/check-method.ts'
import { negotiateVersion } from './steps/negotiate-version.ts'
import { parseExportId } from './steps/parse-export-id.ts'
import { nameRequired, onlyTenantName, parseTenantName } from './steps/parse-tenant-name.ts'
import { planDelivery } from './steps/plan-delivery.ts'
import { requireOpen } from './steps/require-open.ts'
import { requireValid } from './steps/require-valid.ts'
import { resolveTenant } from './steps/resolve-tenant.ts'
import { abortable } from './waiting.ts'

/**
 * Puts the guard in front of a store. Checks every option once and throws a `TypeError` that names each wrong one.
 *
 * `handle` takes each request through the lines of `respond`, from top to bottom. Each line either adds to the response or
 * throws a refusal. `handle` never rejects: a refusal, a failure of a port and a bug are responses too.
 */
export function createExportHandler<T extends Tenant>(options: ExportHandlerOptions<T>): ExportHandler {
  const guard = resolveOptions(options)
  const { verifier, tenancy, capability, limits, vary, now } = guard
  const report = createReporter(guard.onEvent)
  const running = createRunning()
  const delivery = { ...guard.delivery, pace: createReopenPace(running.count) }
  const { multipleRanges } = delivery
  const exchangeRules = { ...delivery, report, running }
  const findPrincipal = createPrincipalFinder(guard)
  const listenTo = createStoreListener(report)
  verifier.onTrouble?.(portListener('verifier', report))
  limits.limiter.onTrouble?.(portListener('limiter', report))

  async function respond(request: ExportRequest): Promise<ExportResponse> {
    const { method, params } = request
    const header = (name: string): string | undefined => request.header(name)
    const exchange = startExchange(request, exchangeRules)
    const { entry, ask, end } = exchange
    const { requestId } = entry
    let version = guard.defaultVersion
    const headers: Record<string, string> = { Vary: vary, ...commonHeaders, 'X-Request-Id': requestId }
    try {
      const requested = negotiateVersion(header(guard.versionHeader.toLowerCase()), guard, now())
      version = requested.version
      if ('value' in requested.parsed) {
        entry.version = version.name
        Object.assign(headers, version.headers)
      }
      requireOpen(running.isDraining())
      reportMissingParameters(params, guard, exchange)
      checkMethod(method)
      if (method === 'OPTIONS') return optionsAnswer(headers, exchange)

      const principal = await findPrincipal(request, exchange)
      const [exportId, tenantName] = requireValid([
        parseExportId(params[guard.idParameter], guard),
        parseTenantName(request, guard.tenantName, nameRequired(tenancy, principal)),
        requested.parsed,
      ])
      entry.exportId = printableText(exportId)
      const name = tenantName ?? onlyTenantName(principal, guard.tenantName)
      const tenant = await resolveTenant(name, principal, tenancy, (call) => ask('tenants', call))
      entry.tenantId = printableText(tenant.id)
      authorize(principal, capability)
      const admission = await askAdmission(request, principal, tenant, limits, exchange)
      Object.assign(headers, admission.fields)
      requireAdmitted(admission)

      const query = { exportId, tenant, principal, version: version.name }
      const record = await findRecord(query, guard, exchange)
      const store = (): ExportStore =>
        shareStore(listenTo(guard.storeOf(tenant)), principal, tenant, limits, exchange)
      const object = accessObject(store, record.key, request.borrow === true, delivery, exchange)
      const { mediaTypes } = version
      const question = {
        method,
        header,
        record,
        mediaTypes,
        multipleRanges,
        vary,
        now: now(),
        boundary: randomUUID,
      }
      const opened = await openExport(question, object, planDelivery)
      Object.assign(headers, await settleCost(method, opened, admission, limits, exchange))
      const body = await deliver(opened, object, delivery, exchange)
      await announce(opened.plan, guard.audit, exchange)

      if (!body) end('completed')
      Object.assign(headers, opened.plan.headers)
      return { status: opened.plan.status, headers, ...(body && { body }) }
    } catch (error) {
      const terms = { method, requestId, errors: version.errors, capability, headers, random: Math.random }
      return refuseExchange(error, terms, exchange)
    }
  }

  return {
    handle: async (request) => {
      const response = await respond(request)
      // A proxy that rejects our answer to a list of ranges may take its unread bytes for the next answer.
      const closes = running.isDraining() || isRangeList(request.header('range'))
      return closes ? { ...response, closeConnection: true } : response
    },
    downloads: running.downloads,
    cut: (matches) => {
      checkCall('cut', { matches })
      return running.cut(matches)
    },
    drain: (terms) => {
      checkCall('drain', terms)
      return running.drain(terms.withinMs)
    },
    ready: async (signal) => {
      checkCall('ready', { signal })
      return abortable(verifier.ready?.(signal) ?? Promise.resolve(), signal)
    },
  }
}
