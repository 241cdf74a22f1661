import { DeliveryError } from '../delivery/delivery-error.ts'
import { checkCall } from '../options/check-handler.ts'
import type { TokenVerifier } from '../ports.ts'
import type { ExportHandler, RunningDownload } from '../request-response.ts'
import { abortable, startTimer } from '../waiting.ts'
import type { EventDraft } from './events.ts'

/** A request that is being processed. */
interface Run {
  readonly draft: EventDraft
  readonly startedAt: Date
  readonly stop: (reason: unknown) => void
  index: number
}

/** The registry of the requests that one handler is processing. It counts, lists, cuts and drains them. */
export interface Running {
  readonly count: () => number
  readonly begin: (draft: EventDraft, stop: Run['stop']) => Run
  /** Must be called once for each `begin`. */
  readonly end: (run: Run) => void
  readonly downloads: () => readonly RunningDownload[]
  readonly cut: (matches: (download: RunningDownload) => boolean) => number
  readonly isDraining: () => boolean
  readonly drain: (withinMs: number) => Promise<void>
}

/**
 * Creates the registry of one handler.
 *
 * @param onDrained - called once, when `drain` has ended
 */
export function createRunning(onDrained: () => void = ignore): Running {
  // Not a Set: V8 keeps the old tables of a Set that changes often until a full garbage collection, and with them the requests.
  const runs: Run[] = []
  let draining: Promise<void> | undefined
  let onEmpty: (() => void) | undefined

  const stopAll = (): void => {
    for (const { stop } of runs.slice()) stop(new DeliveryError('shut_down'))
  }
  const waitUntilEmpty = async (withinMs: number): Promise<void> => {
    if (runs.length === 0) return
    const emptied = Promise.withResolvers<void>()
    onEmpty = emptied.resolve
    const deadline = startTimer(stopAll, withinMs)
    await emptied.promise
    clearTimeout(deadline)
  }

  return {
    count: () => runs.length,
    begin: (draft, stop) => {
      const run = { draft, stop, startedAt: new Date(), index: runs.length }
      runs.push(run)
      return run
    },
    end: ({ index }) => {
      const last = runs.pop()
      if (last && last.index !== index) {
        last.index = index
        runs[index] = last
      }
      if (runs.length === 0) onEmpty?.()
    },
    downloads: () => runs.flatMap((run) => describe(run) ?? []),
    cut: (matches) => {
      const chosen = runs.filter((run) => {
        const download = describe(run)
        return download && matches(download)
      })
      for (const { stop } of chosen) stop(new DeliveryError('cut'))
      return chosen.length
    },
    isDraining: () => draining !== undefined,
    drain: (withinMs) => (draining ??= waitUntilEmpty(withinMs).then(onDrained)),
  }
}

/** Describes a download. `undefined`: it is not a download, or its principal, tenant or export id is not known yet. */
function describe({ draft, startedAt }: Run): RunningDownload | undefined {
  const { id, requestId, principal, tenantId, exportId, address, version, ticketId } = draft
  const { bytesPromised, bytesSent } = draft
  if (draft.method !== 'GET' || !principal || tenantId === undefined || exportId === undefined)
    return undefined
  return {
    id,
    requestId,
    principal,
    tenantId,
    exportId,
    ...(address !== undefined && { address }),
    ...(version !== undefined && { version }),
    ...(ticketId !== undefined && { ticketId }),
    startedAt,
    bytesPromised,
    bytesSent,
  }
}

const ignore = (): void => undefined

/** Creates the handler's methods for the operator. They check their arguments. */
export const operatorMethods = (
  running: Running,
  verifier: TokenVerifier,
): Pick<ExportHandler, 'downloads' | 'cut' | 'drain' | 'ready'> => ({
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
})
