import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import {
  createExportHandler,
  type ExportHandler,
  type ExportHandlerOptions,
  type Tenant,
} from '@sallyport/core'

import type { Settings } from './environment.ts'

/** The metrics of a service, for Prometheus. */
export interface Metrics {
  /** Where they are. Absent: `METRICS_PORT` is not set, and there are none. */
  readonly url?: string
  /** `createExportHandler`; with `METRICS_PORT`, `createObservedExportHandler` of `@sallyport/telemetry`. */
  createExportHandler<T extends Tenant>(options: ExportHandlerOptions<T>): ExportHandler
}

/**
 * With `METRICS_PORT`, serves `/metrics` on a port of its own at `HOST`, so that no route to the downloads leads to it. It answers until the
 * process exits, also while the service drains. Ends the process with 1 if it cannot listen there.
 */
export async function openMetrics({
  host,
  metricsPort,
}: Pick<Settings, 'host' | 'metricsPort'>): Promise<Metrics> {
  if (metricsPort === undefined) return { createExportHandler }
  // Loaded only here: without METRICS_PORT, OpenTelemetry costs no memory.
  const { PrometheusExporter } = await import('@opentelemetry/exporter-prometheus')
  const { MeterProvider } = await import('@opentelemetry/sdk-metrics')
  const { createObservedExportHandler } = await import('@sallyport/telemetry')
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  })
  const meterProvider = new MeterProvider({ readers: [exporter] })
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    if (request.url?.split('?', 1)[0] === '/metrics' && request.method === 'GET')
      exporter.getMetricsRequestHandler(request, response)
    else response.writeHead(404).end()
  })
  // Not shared among the processes of a cluster: each has counts of its own.
  server.listen({ port: metricsPort, host, exclusive: true })
  try {
    await once(server, 'listening')
  } catch (error) {
    console.error(`METRICS_PORT: cannot listen there (${(error as NodeJS.ErrnoException).code ?? 'Error'})`)
    return process.exit(1)
  }
  server.unref()
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`,
    createExportHandler: (options) => createObservedExportHandler(options, { meterProvider }),
  }
}
