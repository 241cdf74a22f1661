import type { RequestEnded, Trouble } from '../events.ts'
import { addressPrefixes } from '../http/address-prefix.ts'
import { startTimer } from '../waiting.ts'

/** How many events of one kind about one caller are reported per window. The last one also counts those that were not reported. */
const PER_WINDOW = 10
const WINDOW_MS = 1000
/** How many pairs of caller and kind are counted in one window. All further callers are counted as one. */
const MOST_KEYS = 10_000

/** An event of a refused request. */
type RefusalEvent = RequestEnded | Trouble

/** Limits the events of refused requests. */
export interface RefusalLimit {
  /** Reports an event now, at the end of the window, or only in `suppressed` of a later one. */
  readonly report: (event: RefusalEvent, caller: Caller) => void
  /** Ends the window: reports the latest event of each kind and caller now. */
  readonly flush: () => void
}

type Caller = Pick<RequestEnded, 'principal' | 'address'>

/** The events of one kind about one caller in this window. */
interface Refusals {
  reported: number
  /** The latest event that was not reported. It is reported at the end of the window. */
  latest?: RefusalEvent
  /** How many events before `latest` were not reported. */
  suppressed: number
}

/**
 * Reports the first 9 events of a window immediately, and the latest one at its end. Its `suppressed` is the number of events that
 * were not reported, so all refusals are counted. Each kind of refusal and each code of a trouble has its own count. Without this
 * limit, a client that ignores `Retry-After` and sends thousands of requests per second would fill the log's disk.
 *
 * The caller is the principal, or, if there is none, the address. All IPv6 addresses of one /56 are one caller.
 *
 * @param emit - receives the events that are reported
 */
export function limitRefusalEvents(emit: (event: RefusalEvent) => void): RefusalLimit {
  const window = new Map<string, Refusals>()
  let timer: NodeJS.Timeout | undefined

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    const over = [...window.values()]
    window.clear()
    for (const { latest, suppressed } of over)
      if (latest) emit(suppressed > 0 ? Object.assign(latest, { suppressed }) : latest)
  }

  const refusalsOf = (event: RefusalEvent, caller: Caller): Refusals => {
    timer ??= startTimer(flush, WINDOW_MS).unref()
    const about = [event.type, event.type === 'trouble' ? event.code : event.kind]
    const own = JSON.stringify([...about, ...nameOf(caller)])
    const key = window.has(own) || window.size < MOST_KEYS ? own : JSON.stringify(about)
    const refusals = window.get(key) ?? { reported: 0, suppressed: 0 }
    window.set(key, refusals)
    return refusals
  }

  return {
    flush,
    report: (event, caller) => {
      const refusals = refusalsOf(event, caller)
      if (refusals.reported < PER_WINDOW - 1) {
        refusals.reported += 1
        emit(event)
      } else {
        if (refusals.latest) refusals.suppressed += 1
        refusals.latest = event
      }
    },
  }
}

function nameOf({ principal, address }: Caller): readonly string[] {
  if (principal) return ['principal', principal.issuer, principal.subject]
  return address === undefined ? [] : ['address', addressPrefixes(address)[0]]
}
