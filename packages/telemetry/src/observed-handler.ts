import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

import type {
  ExportEvent,
  ExportHandler,
  ExportHandlerOptions,
  ExportRequest,
  ExportResponse,
  Tenant,
} from '@sallyport/core'
import { checkHandlerOptions, createExportHandler, refusalKindOf } from '@sallyport/core'

import { errorTypeOf } from './error-type.ts'
import { loadApi } from './load-api.ts'
import { toLogRecord } from './log-record.ts'
import { createMetrics } from './metrics.ts'
import { observePorts } from './observe-ports.ts'
import type { ObservedRequest } from './observed-request.ts'
import type { OpenTelemetryApi } from './open-telemetry.ts'
import type { TelemetryOptions } from './options.ts'
import { checkTelemetryOptions } from './options.ts'
import { createProviders } from './providers.ts'
import { quietly } from './quietly.ts'
import { spanAttributes, withheldAttributes } from './span-attributes.ts'
import { startSpans } from './spans.ts'

/**
 * Creates an export handler as `createExportHandler` does, and records what it does with OpenTelemetry: spans, metrics and log
 * records. Nothing that an exporter does (throw, hang, lose data) changes a response, and nothing is done per chunk.
 *
 * @param options - the options of `createExportHandler`
 * @param telemetry - absent: the registered providers record, also if they are registered later. While none is registered, and
 *   without `@opentelemetry/api`, nothing is recorded
 * @throws TypeError that names each wrong option, what it must be and what it is
 */
export function createObservedExportHandler<T extends Tenant>(
  options: ExportHandlerOptions<T>,
  telemetry: TelemetryOptions = {},
): ExportHandler {
  checkHandlerOptions(options)
  checkTelemetryOptions(telemetry)
  const api = telemetry.api ?? loadApi()
  return api ? createObserved(options, telemetry, api) : createExportHandler(options)
}

function createObserved<T extends Tenant>(
  options: ExportHandlerOptions<T>,
  telemetry: TelemetryOptions,
  api: OpenTelemetryApi,
): ExportHandler {
  const current = new AsyncLocalStorage<ObservedRequest>()
  /** Requests that are being answered, and downloads that are being sent, by the id in their events. */
  const requests = new Map<string, ObservedRequest>()
  const providers = createProviders(api, telemetry)
  const versions = Object.keys(options.versions ?? { v1: {} })
  const metrics = createMetrics(providers.meterProvider, versions, () => handler.downloads())

  const record = (event: ExportEvent, request: ObservedRequest | undefined): void => {
    const firstByteMs = request && performance.now() - request.startedAt
    quietly(() => metrics.event(event, firstByteMs))
    quietly(() => providers.logger()?.emit(toLogRecord(event, request?.spans?.context ?? api.ROOT_CONTEXT)))
    if (!request) return
    if (event.type === 'download_started') request.started = event
    if (event.type === 'request_ended') request.ended = event
    if (event.type === 'download_ended') {
      request.ended = event
      requests.delete(request.id)
      request.spans?.end(spanAttributes(event, request.format, telemetry), errorTypeOf(event))
    }
  }
  const onEvent = (event: ExportEvent): unknown => {
    const request = event.id === undefined ? undefined : requests.get(event.id)
    record(event, request)
    const spans = request?.spans
    return spans ? api.context.with(spans.context, () => options.onEvent?.(event)) : options.onEvent?.(event)
  }
  const handler = createExportHandler({
    ...observePorts(options, () => current.getStore(), metrics),
    onEvent,
  })

  /** The head of the response is about to be sent. A request that sends no export is over. */
  const settle = (request: ObservedRequest, { status }: ExportResponse): void => {
    const { spans, started, ended, format } = request
    if (started && !ended) spans?.head(spanAttributes(started, format, telemetry))
    if (started) return
    requests.delete(request.id)
    if (ended) spans?.end(spanAttributes(ended, format, telemetry), errorTypeOf(ended))
    else
      spans?.end(withheldAttributes(request, status), errorTypeOf({ outcome: 'refused', ...request.refused }))
  }
  const observed =
    (name: string, handle: ExportHandler['handle']): ExportHandler['handle'] =>
    (request) => {
      const spans = quietly(() => startSpans(api, providers.tracer, name))
      if (!spans && !quietly(metrics.isOn)) return handle(request)
      const id = request.id ?? randomUUID()
      const own = { id, startedAt: performance.now(), ...(spans && { spans }) }
      requests.set(id, own)
      const identified = withId(request, id)
      return (spans ? current.run(own, handle, identified) : handle(identified)).then((response) => {
        settle(own, response)
        return response
      })
    }

  return {
    ...handler,
    handle: observed('sallyport.download', handler.handle),
    handleTicket: observed('sallyport.ticket', handler.handleTicket),
    issueTicket: async (wanted, signal) => {
      const spans = quietly(() => startSpans(api, providers.tracer, 'sallyport.ticket'))
      if (!spans) return handler.issueTicket(wanted, signal)
      const own = { id: '', startedAt: performance.now(), spans }
      try {
        const issued = await current.run(own, handler.issueTicket, wanted, signal)
        spans.end({ 'sallyport.outcome': 'completed' }, undefined)
        return issued
      } catch (error) {
        const kind = refusalKindOf(error)
        const ending = { outcome: 'refused', ...(kind && { kind }) } as const
        spans.end(
          { 'sallyport.outcome': ending.outcome, ...(kind && { 'sallyport.refusal.kind': kind }) },
          kind && errorTypeOf(ending),
        )
        throw error
      }
    },
  }
}

/** A copy with an id. `header` may be a method of a class. */
const withId = (request: ExportRequest, id: string): ExportRequest => ({
  id,
  method: request.method,
  params: request.params,
  header: (name) => request.header(name),
  ...(request.url !== undefined && { url: request.url }),
  ...(request.address !== undefined && { address: request.address }),
  signal: request.signal,
  ...(request.borrow !== undefined && { borrow: request.borrow }),
})
