import type { Histogram, Labels, Meter, MeterProvider, ObservableResult } from './open-telemetry.ts'
import { scope } from './providers.ts'

/**
 * The instruments of all handlers that record with one meter provider. Each count is kept here, and the SDK reads it at each collection:
 * to add to a number of a `Map` costs a request much less than to call a counter of the SDK.
 */
export interface Instruments {
  readonly duration: Histogram
  readonly firstByte: Histogram
  readonly size: Histogram
  readonly active: Counts
  /** Bytes of the downloads that have ended. */
  readonly endedBytes: Counts
  readonly requests: Counts
  readonly reopens: Counts
  readonly troubles: Counts
  readonly admissions: Counts
  /** One for each handler that is sending downloads. */
  readonly running: Set<RunningBytes>
}

/** Values by labels. Equal labels are the same object: see labels.ts. */
export type Counts = Map<Labels, number>

/** Adds the bytes of the downloads that a handler is sending. */
export type RunningBytes = (bytes: Counts) => void

/** Adds to the count with these labels. */
export const add = (counts: Counts, value: number, labels: Labels): void =>
  void counts.set(labels, (counts.get(labels) ?? 0) + value)

/** An SDK keeps the last of two values with the same labels, so handlers that record with one provider must count together. */
const ofProviders = new WeakMap<MeterProvider, Instruments>()

/** Returns the instruments of a provider, which are created at the first call. */
export function instrumentsOf(provider: MeterProvider): Instruments {
  const made = ofProviders.get(provider) ?? createInstruments(provider.getMeter(scope))
  ofProviders.set(provider, made)
  return made
}

function createInstruments(meter: Meter): Instruments {
  const counter = (name: string, unit: string, description: string): Counts => {
    const counts: Counts = new Map()
    meter.createObservableCounter(name, { description, unit }).addCallback(observe(() => counts))
    return counts
  }
  const active: Counts = new Map()
  meter
    .createObservableUpDownCounter('sallyport.download.active', {
      description: 'Downloads that are being sent.',
      unit: '{download}',
    })
    .addCallback(observe(() => active))
  const endedBytes: Counts = new Map()
  const running = new Set<RunningBytes>()
  meter
    .createObservableCounter('sallyport.download.io', {
      description: 'Bytes that downloads have sent, those of running downloads too.',
      unit: 'By',
    })
    .addCallback(observe(() => sentBytes(endedBytes, running)))
  return {
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
    active,
    endedBytes,
    running,
    requests: counter('sallyport.requests', '{request}', 'Requests that have ended, downloads too.'),
    reopens: counter(
      'sallyport.store.reopens',
      '{reopen}',
      'Objects that were opened again because the store failed.',
    ),
    troubles: counter('sallyport.troubles', '{trouble}', 'Troubles of ports.'),
    admissions: counter('sallyport.admissions', '{admission}', 'Decisions of the limiter.'),
  }
}

/** Reports the counts to an SDK. */
const observe =
  (counts: () => Counts) =>
  (result: ObservableResult): void => {
    for (const [labels, value] of counts()) result.observe(value, labels)
  }

function sentBytes(endedBytes: Counts, running: ReadonlySet<RunningBytes>): Counts {
  const bytes: Counts = new Map(endedBytes)
  for (const addRunning of running) addRunning(bytes)
  return bytes
}

/** From 10 ms to the longest download that `delivery.lifetimeMs` allows by default. */
const durationBuckets = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_600, 10_800, 28_800, 86_400]
/** Finest where `delivery.firstByteMs` (15 s by default) is far away. */
const firstByteBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30]
/** From 1 KiB to 1 TiB by a factor of 8. */
const sizeBuckets = Array.from({ length: 11 }, (_, power) => 1_024 * 8 ** power)
