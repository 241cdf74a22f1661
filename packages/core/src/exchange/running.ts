import { DeliveryError } from '../delivery/delivery-error.ts'

/** An exchange under way. */
interface Run {
  readonly stop: (reason: unknown) => void
  place: number
}

/** The exchanges of one handler that are under way. */
export interface Running {
  readonly count: () => number
  readonly begin: (stop: Run['stop']) => Run
  /** Once for each. */
  readonly end: (run: Run) => void
}

/**
 * Keeps all that runs, to stop it when the signal fires: one listener for the life of the handler.
 *
 * Not a Set: of one whose entries come and go, V8 leaves tables behind that keep each other and all that was in them, until
 * a full collection: here whole requests.
 */
export function stopAllOn(shutdown: AbortSignal | undefined): Running {
  const runs: Run[] = []
  shutdown?.addEventListener('abort', () => {
    for (const { stop } of runs.slice()) stop(new DeliveryError('shut_down'))
  })
  return {
    count: () => runs.length,
    begin: (stop) => {
      const run = { stop, place: runs.length }
      runs.push(run)
      return run
    },
    end: ({ place }) => {
      const last = runs.pop()
      if (!last || last.place === place) return
      last.place = place
      runs[place] = last
    },
  }
}
