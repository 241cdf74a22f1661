import type { Admission, AdmissionAsk, DownloadEnded, ExportEvent, RunningDownload } from '@sallyport/core'

import type { Instruments, RunningBytes } from './instruments.ts'
import { add, instrumentsOf } from './instruments.ts'
import { createLabels, refusedLabels, requestLabels, resultLabels, troubleLabels } from './labels.ts'
import type { MeterProvider } from './open-telemetry.ts'

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
 * Creates the metrics of one handler. The instruments are looked up at each use, because a meter that was obtained before a provider
 * is registered never records. What ends before that is not counted.
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
  /** Takes back what `active` was increased by, by the id of the request: also if another provider has been registered since. */
  const active = new Map<string, () => void>()
  let current: { readonly provider: MeterProvider; readonly instruments: Instruments } | undefined

  const addRunning: RunningBytes = (bytes) => {
    for (const { version, bytesSent } of downloads()) add(bytes, bytesSent, labels.ofVersion(version))
  }
  const instruments = (): Instruments | undefined => {
    const now = provider()
    if (!now) return undefined
    if (now === current?.provider) return current.instruments
    current?.instruments.running.delete(addRunning)
    current = { provider: now, instruments: instrumentsOf(now) }
    return current.instruments
  }
  const ended = (event: DownloadEnded, { duration, size, endedBytes }: Instruments): void => {
    const own = labels.ofEnding(event)
    duration.record(event.durationMs / 1000, own)
    size.record(event.bytesSent, own)
    add(endedBytes, event.bytesSent, labels.ofVersion(event.version))
  }

  return {
    isOn: () => provider() !== undefined,
    event: (event, firstByteMs) => {
      if (event.type === 'download_ended') {
        active.get(event.id)?.()
        active.delete(event.id)
        if (active.size === 0) current?.instruments.running.delete(addRunning)
      }
      const made = instruments()
      if (!made) return
      switch (event.type) {
        case 'download_started': {
          const own = labels.ofDownload(event)
          add(made.active, 1, own)
          active.set(event.id, () => add(made.active, -1, own))
          made.running.add(addRunning)
          if (firstByteMs !== undefined) made.firstByte.record(firstByteMs / 1000, own)
          break
        }
        case 'download_ended':
          add(made.requests, 1, requestLabels(event))
          ended(event, made)
          break
        case 'request_ended':
          add(made.requests, 1 + (event.suppressed ?? 0), requestLabels(event))
          break
        case 'trouble':
          add(made.troubles, 1 + (event.suppressed ?? 0), troubleLabels(event))
          break
        case 'ticket_issued':
          break // its request_ended is counted
      }
    },
    admission: (ask, admission) => {
      const admissions = instruments()?.admissions
      if (!admissions) return
      if (!admission) add(admissions, 1, resultLabels('failed'))
      else if (admission.admitted) add(admissions, 1, resultLabels('admitted'))
      else add(admissions, 1, refusedLabels(ask, admission.by))
    },
    reopen: (result) => {
      const reopens = instruments()?.reopens
      if (reopens) add(reopens, 1, resultLabels(result))
    },
  }
}
