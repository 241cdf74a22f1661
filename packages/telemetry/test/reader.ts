import type { DataPoint, ExponentialHistogram, Histogram } from '@opentelemetry/sdk-metrics'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'

type Point = Readonly<Record<string, unknown>>

/** A meter provider that is read when a test asks. */
export function createReader(temporality = AggregationTemporality.CUMULATIVE): {
  provider: MeterProvider
  read: () => Promise<Record<string, readonly Point[]>>
} {
  const exporter = new InMemoryMetricExporter(temporality)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  return {
    provider,
    read: async () => {
      const { resourceMetrics } = await reader.collect()
      return Object.fromEntries(
        resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
          metrics.map(({ descriptor, dataPoints }) => [
            descriptor.name,
            dataPoints.map(
              (point: DataPoint<number> | DataPoint<Histogram> | DataPoint<ExponentialHistogram>) => ({
                ...point.attributes,
                value: typeof point.value === 'number' ? point.value : point.value.count,
              }),
            ),
          ]),
        ),
      )
    },
  }
}
