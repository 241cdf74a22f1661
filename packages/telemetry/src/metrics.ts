import type { Admission, AdmissionAsk, DownloadEnded, ExportEvent, RunningDownload } from '@sallyport/core'

import { createLabels, refusedLabels, requestLabels, troubleLabels } from './labels.ts'
import type {
  Counter,
  Histogram,
  Meter,
  MeterProvider,
  ObservableCounter,
  ObservableResult,
} from './open-telemetry.ts'
import { scope } from './providers.ts'

/** The metrics of one handler. */
export interface Metrics {
  /** Whether a meter provider is there. The other methods do nothing without one. */
  readonly isOn: () => boolean
  /** @param firstByteMs - with `download_started`: milliseconds since the request. Absent: unknown */
  readonly event: (event: ExportEvent, firstByteMs: number | undefined) => void
  /** @param admission - `undefined`: the limiter failed */
  readonly admission: (ask: AdmissionAsk, admission: Admission | undefined) => void
  readonly reopen: (result: 'opened' | 'failed') => void
}

/**
 * Creates the metrics of one handler. The instruments are made at the first use, and again if another provider is registered: a meter
 * that was obtained before a provider is registered never records.
 *
 * @param provider - returns the provider. `undefined`: there is none
 * @param versions - the names of the handler's versions
 * @param downloads - as `handler.downloads`
 */
export function createMetrics(
  provider: () => MeterProvider | undefined,
  versions: readonly string[],
  downloads: () => readonly RunningDownload[],
): Metrics {
  const labels = createLabels(versions)
  /** Bytes of the downloads that have ended, by version. */
  const endedBytes = new Map<string | undefined, number>()
  /** What an UpDownCounter went up with, by the id of the request: it must go down with the same. */
  const active = new Map<string, () => void>()
  let current: { readonly provider: MeterProvider; readonly instruments: Instruments } | undefined

  const observeBytes = (result: ObservableResult): void => {
    const bytes = new Map(endedBytes)
    for (const { version, bytesSent } of downloads())
      bytes.set(version, (bytes.get(version) ?? 0) + bytesSent)
    for (const [version, sum] of bytes) result.observe(sum, labels.ofVersion(version))
  }
  const instruments = (): Instruments | undefined => {
    const now = provider()
    if (!now) return undefined
    if (now === current?.provider) return current.instruments
    current?.instruments.io.removeCallback(observeBytes)
    current = { provider: now, instruments: createInstruments(now.getMeter(scope)) }
    current.instruments.io.addCallback(observeBytes)
    return current.instruments
  }
  const ended = (event: DownloadEnded, { duration, size }: Instruments): void => {
    const own = { outcome: event.outcome, ...labels.ofDownload(event) }
    duration.record(event.durationMs / 1000, own)
    size.record(event.bytesSent, own)
  }

  return {
    isOn: () => provider() !== undefined,
    event: (event, firstByteMs) => {
      // Counted even if no provider is there: the first one that is gets the whole sum.
      if (event.type === 'download_ended') {
        const { version, bytesSent } = event
        endedBytes.set(version, (endedBytes.get(version) ?? 0) + bytesSent)
        active.get(event.id)?.()
        active.delete(event.id)
      }
      const made = instruments()
      if (!made) return
      switch (event.type) {
        case 'download_started': {
          const own = labels.ofDownload(event)
          made.active.add(1, own)
          active.set(event.id, () => made.active.add(-1, own))
          if (firstByteMs !== undefined) made.firstByte.record(firstByteMs / 1000, own)
          break
        }
        case 'download_ended':
          ended(event, made)
          made.requests.add(1, requestLabels(event))
          break
        case 'request_ended':
          made.requests.add(1 + (event.suppressed ?? 0), requestLabels(event))
          break
        case 'trouble':
          made.troubles.add(1 + (event.suppressed ?? 0), troubleLabels(event))
          break
        case 'ticket_issued':
          break // its request_ended is counted
      }
    },
    admission: (ask, admission) => {
      if (!admission) instruments()?.admissions.add(1, { result: 'failed' })
      else if (admission.admitted) instruments()?.admissions.add(1, { result: 'admitted' })
      else instruments()?.admissions.add(1, refusedLabels(ask, admission.by))
    },
    reopen: (result) => instruments()?.reopens.add(1, { result }),
  }
}

interface Instruments {
  readonly duration: Histogram
  readonly firstByte: Histogram
  readonly size: Histogram
  readonly active: Counter
  readonly io: ObservableCounter
  readonly requests: Counter
  readonly reopens: Counter
  readonly troubles: Counter
  readonly admissions: Counter
}

const createInstruments = (meter: Meter): Instruments => ({
  duration: meter.createHistogram('sallyport.download.duration', {
    description: 'Seconds from the request to the end of the download.',
    unit: 's',
    advice: { explicitBucketBoundaries: durationBuckets },
  }),
  firstByte: meter.createHistogram('sallyport.download.time_to_first_byte', {
    description: 'Seconds from the request to the head of the response, recorded when the download starts.',
    unit: 's',
    advice: { explicitBucketBoundaries: firstByteBuckets },
  }),
  size: meter.createHistogram('sallyport.download.size', {
    description: 'Bytes that a download has sent when it ends.',
    unit: 'By',
    advice: { explicitBucketBoundaries: sizeBuckets },
  }),
  active: meter.createUpDownCounter('sallyport.download.active', {
    description: 'Downloads that are being sent.',
    unit: '{download}',
  }),
  io: meter.createObservableCounter('sallyport.download.io', {
    description: 'Bytes that downloads have sent, those of running downloads too.',
    unit: 'By',
  }),
  requests: meter.createCounter('sallyport.requests', {
    description: 'Requests that have ended, downloads too.',
    unit: '{request}',
  }),
  reopens: meter.createCounter('sallyport.store.reopens', {
    description: 'Objects that were opened again because the store failed.',
    unit: '{reopen}',
  }),
  troubles: meter.createCounter('sallyport.troubles', {
    description: 'Troubles of ports.',
    unit: '{trouble}',
  }),
  admissions: meter.createCounter('sallyport.admissions', {
    description: 'Decisions of the limiter.',
    unit: '{admission}',
  }),
})

/** From 10 ms to the longest download that `delivery.lifetimeMs` allows by default. */
const durationBuckets = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_600, 10_800, 28_800, 86_400]
/** Finest where `delivery.firstByteMs` (15 s by default) is far away. */
const firstByteBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30]
/** From 1 KiB to 1 TiB by a factor of 8. */
const sizeBuckets = Array.from({ length: 11 }, (_, power) => 1_024 * 8 ** power)
